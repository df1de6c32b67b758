"""What a judge's run came to, as a result and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest
from selftaught.analysis.run_view import run_view
from selftaught.analysis.strategies.found import strategies_json
from selftaught.analysis.strategies.page import strategies_section
from selftaught.journal.study_events import StrategyReadings, StrategyVerdict
from selftaught.pages.blocks import Page, Section
from selftaught.studies.run_sections import end_page, whole_page
from selftaught.studies.study import Json


def judged_result(run: RecordedRun) -> dict[str, Any] | None:
    verdicts = latest(run.events, StrategyVerdict).values()
    by_improver = {one.improver: one for one in verdicts}
    for one in latest(run.events, StrategyReadings).values() if by_improver else ():
        improvers = strategies_json(one.improvers, by_improver)
        return {"origin": one.origin, "improvers": improvers}
    return None


def judged_page(result: Json | None, run: RecordedRun | None) -> Page:
    found = [] if result is None else [judged_section([result])]
    if run is None:
        assert result is not None  # else there is nothing to show
        return end_page(result, found)
    title = f"Strategies of run {run.head.config['origin']}, judged: run {run.run_id}"
    return whole_page(title, [run_view(run)], "improver", found)


def judged_section(results: Sequence[Json]) -> Section:
    found = [
        {"run_id": one["run_id"], "model": one["model"], "improvers": one["improvers"]}
        for one in results
    ]
    models = ", ".join(dict.fromkeys(one["model"] for one in results))
    return strategies_section("judge", f"Search strategies, by rules and by {models}", found)
