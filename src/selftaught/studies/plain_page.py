"""What is shown of a study that has no page of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.run_view import run_view
from selftaught.pages import words
from selftaught.pages.blocks import Facts, Page, Section
from selftaught.studies.run_sections import end_page, run_sections, state_lead

Json = Mapping[str, Any]

_OF_ALL = frozenset({"run_id", "state", "model", "sandbox_tier", "usage", "wall_s"})


def plain_page(result: Json | None, run: RecordedRun | None) -> Page:
    """Of a run, or of its result by itself: its numbers and words by their names."""
    if run is None:
        assert result is not None  # else there is nothing to show
        return end_page(result, [plain_section("result", [result])])
    head = run.head
    title = f"{head.command} {', '.join(head.task_names)}: run {run.run_id}"
    found = [] if result is None else [plain_section("result", [result])]
    sections = (*found, *run_sections([run_view(run)], "program"))
    return Page(title, tuple(state_lead([head])), sections)


def plain_section(name: str, results: Sequence[Json]) -> Section:
    """What several results say besides what all results do."""
    own = [{k: v for k, v in one.items() if k not in _OF_ALL} for one in results]
    blocks = tuple(Facts(tuple(_facts(one))) for one in own)
    return Section(name, "Result", blocks, own)


def _facts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _facts(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, words.plain(value) if isinstance(value, float) else str(value)
