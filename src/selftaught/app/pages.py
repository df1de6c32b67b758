"""The pages of runs: each is its study's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, said_result
from selftaught.pages.blocks import Page, Paragraph
from selftaught.studies.next_command import next_command
from selftaught.studies.registry import studies
from selftaught.studies.results import result_of
from selftaught.studies.run_sections import plain_page, plain_section
from selftaught.studies.study import Repeated, Study

Json = Mapping[str, Any]


def run_page(run: RecordedRun) -> Page:
    """All of a run, as it stands now."""
    study = studies().get(run.head.command)
    result = stored_result(run)
    if study is not None:
        return study.page(result, run)
    return plain_page([] if result is None else [plain_section("result", [result])], result, run)


def stored_result(run: RecordedRun) -> Json | None:
    """What its events come to; where that cannot be told, what it said itself."""
    said = said_result(run.events)
    study = studies().get(run.head.command)
    if study is None:
        return said
    try:
        return result_of(study, run) or said
    except (LookupError, TypeError, ValueError, ArithmeticError):  # of which verify tells
        return said


def shown_page(run: RecordedRun, series: Sequence[RecordedRun]) -> Page:
    """A run, after the learning curve of its series if it is of one."""
    page = run_page(run)
    curve = study_page(series).sections[:1] if run.head.series is not None else ()
    return replace(page, sections=(*curve, *page.sections))


def study_page(runs: Sequence[RecordedRun]) -> Page:
    """A run by itself, or its whole series."""
    study = studies().get(runs[0].head.command)
    if runs[0].head.series is not None and isinstance(study, Repeated):
        return study.series_page(runs)
    return run_page(runs[0])


def end_page(study: Study[Any], result: Json, store: str) -> Page:
    """What stands at the end of a study, by its result, and where there is more."""
    is_series = "series_id" in result
    if is_series and isinstance(study, Repeated):
        page = study.series_end_page(result)
    else:
        page = study.page(result, None)
    shown = next_command("show", result["series_id" if is_series else "run_id"], store)
    *sections, end = page.sections
    ending = replace(end, blocks=(*end.blocks, Paragraph("more:", shown)))
    return replace(page, sections=(*sections, ending))
