"""Sections for which program text is read, which happens in the sandbox and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.reward_findings import Detector
from selftaught.analysis.reward_page import rewards_section
from selftaught.analysis.strategies.page import strategies_section
from selftaught.app.audit_rewards import audit_rewards
from selftaught.app.strategies import find_strategies
from selftaught.core.errors import SandboxUnavailable
from selftaught.pages.blocks import Paragraph, Section
from selftaught.studies.registry import studies

_STRATEGIES_TITLE = "Search strategies of the improvers"
_REWARDS_TITLE = "Audit of rewards"
_MOST_READ = 1000  # solutions of a run: reading one takes some half a millisecond


async def analysis_sections(
    store: str, runs: Sequence[RecordedRun], detectors: Sequence[Detector] = ()
) -> list[Section]:
    """Strategies and rewards; where no sandbox works, they say so."""
    study = studies().get(runs[0].head.command)
    if study is None or not study.rewards:
        return []
    run_ids = [run.run_id for run in runs]
    try:
        found = [await find_strategies(store, run_id) for run_id in run_ids]
        audits = [
            await audit_rewards(store, run_id, most=_MOST_READ, detectors=detectors)
            for run_id in run_ids
        ]
    except SandboxUnavailable:
        return [
            _without_sandbox("strategies", _STRATEGIES_TITLE, f"strategies {run_ids[0]}"),
            _without_sandbox("rewards", _REWARDS_TITLE, f"audit rewards {run_ids[0]}"),
        ]
    return [
        strategies_section("strategies", _STRATEGIES_TITLE, found),
        rewards_section(audits, _REWARDS_TITLE),
    ]


def _without_sandbox(name: str, title: str, command: str) -> Section:
    said = (
        "Not made: programs are read in the sandbox, and none works where this report was written "
        "(selftaught doctor says why). Where one does:"
    )
    return Section(name, title, (Paragraph(said, f"selftaught {command}"),))
