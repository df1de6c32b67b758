"""Which page a run has: by the command that began it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from selftaught.analysis.progress import progress
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.app.next_command import next_command
from selftaught.pages.blocks import Page, Paragraph
from selftaught.studies.improve import page as improve
from selftaught.studies.sandbox_audit import page as sandbox_audit
from selftaught.studies.stop import page as stop
from selftaught.studies.stop.series_page import series_end_page, series_page
from selftaught.studies.transfer import page as transfer

Json = Mapping[str, Any]
StudyPage: TypeAlias = Callable[[Json | None, RecordedRun | None], Page]

_PAGES: Mapping[str, StudyPage] = {
    "run": stop.page,
    "improve": improve.page,
    "transfer": transfer.page,
    "audit": sandbox_audit.page,
}


def run_page(run: RecordedRun) -> Page:
    """All of a run, as it stands now."""
    return _PAGES[run.head.command](progress(run.events).result, run)


def shown_page(run: RecordedRun, series: Sequence[RecordedRun]) -> Page:
    """A run, after the learning curve of its series if it is of one.

    Args:
        series: its runs, this one among them; or this one by itself.
    """
    page = run_page(run)
    curve = series_page(series).sections[:1] if run.head.series is not None else ()
    return replace(page, sections=(*curve, *page.sections))


def study_page(runs: Sequence[RecordedRun]) -> Page:
    """A run by itself, or its whole series."""
    return run_page(runs[0]) if runs[0].head.series is None else series_page(runs)


def end_page(command: str, result: Json, store: str) -> Page:
    """What stands at the end of a study, by its result, and where there is more.

    Args:
        result: the object of its `--json`, of a series, too.
    """
    is_series = "series_id" in result
    page = series_end_page(result) if is_series else _PAGES[command](result, None)
    shown = next_command("show", result["series_id" if is_series else "run_id"], store)
    *sections, end = page.sections
    ending = replace(end, blocks=(*end.blocks, Paragraph("more:", shown)))
    return replace(page, sections=(*sections, ending))
