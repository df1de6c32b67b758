"""Sections for which program text is read, which happens in the sandbox and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.reward_page import rewards_section
from selftaught.app.audit_rewards import audit_rewards
from selftaught.app.strategies import find_strategies
from selftaught.core.errors import SandboxUnavailable
from selftaught.pages import words
from selftaught.pages.blocks import Block, Paragraph, Section, Sheet, Table
from selftaught.studies.registry import studies

Json = Mapping[str, Any]

_STRATEGIES_TITLE = "Search strategies of the improvers"
_REWARDS_TITLE = "Audit of rewards"


async def analysis_sections(store: str, runs: Sequence[RecordedRun]) -> list[Section]:
    """Strategies and rewards; where no sandbox works, they say so."""
    study = studies().get(runs[0].head.command)
    if study is None or not study.rewards:
        return []
    run_ids = [run.run_id for run in runs]
    try:
        found = [(await find_strategies(store, run_id)).as_json() for run_id in run_ids]
        audits = [await audit_rewards(store, run_id) for run_id in run_ids]
    except SandboxUnavailable:
        return [
            _without_sandbox("strategies", _STRATEGIES_TITLE, f"strategies {run_ids[0]}"),
            _without_sandbox("rewards", _REWARDS_TITLE, f"audit rewards {run_ids[0]}"),
        ]
    return [strategies_section(found), rewards_section(audits, _REWARDS_TITLE)]


def strategies_section(found: Sequence[Json]) -> Section:
    """Args: found: the objects of `strategies --json`, one a run."""
    blocks: list[Block] = []
    for one in found:
        blocks.append(_improver_table(one))
        evidence = _evidence_table(one)
        blocks += [evidence] if evidence is not None else []
    columns = (
        *("run_id", "improver_id", "t", "accepted", "strategy", "found_by"),
        *("lines", "calls", "evidence"),
    )
    rows = [
        {
            "run_id": one["run_id"],
            "improver_id": improver["improver_id"],
            "t": improver["t"],
            "accepted": improver["accepted"],
            "strategy": strategy["strategy"],
            "found_by": " ".join(strategy["found_by"]),
            "lines": " ".join(map(str, strategy["source"])),
            "calls": len(strategy["calls"]),
            "evidence": strategy["evidence"],
        }
        for one in found
        for improver in one["improvers"]
        for strategy in improver["strategies"]
    ]
    sheet = Sheet("strategies", columns, rows)
    return Section("strategies", _STRATEGIES_TITLE, tuple(blocks), list(found), (sheet,))


def _improver_table(one: Json) -> Table:
    rows = tuple(
        (
            str(improver["t"]),
            improver["improver_id"][: words.SHORT_ID],
            words.mean_and_interval(improver["val"], "\n"),
            words.mean_and_interval(improver["test"], "\n"),
            ", ".join(_plain(strategy["strategy"]) for strategy in improver["strategies"])
            or _nothing(improver),
        )
        for improver in one["improvers"]
    )
    return Table(
        f"Run {one['run_id']}: every improver that was measured or proposed",
        ("t", "improver", "val", "test", "strategies"),
        rows,
        "Decided from the program's syntax tree and from the calls in the journal.",
    )


def _nothing(improver: Json) -> str:
    unreadable = improver.get("unreadable")
    return f"could not be read: {unreadable}" if unreadable else "none of those looked for"


def _evidence_table(one: Json) -> Table | None:
    rows = tuple(
        (
            improver["improver_id"][: words.SHORT_ID],
            _plain(strategy["strategy"]),
            " and ".join(strategy["found_by"]),
            ", ".join(map(str, strategy["source"])) or "-",
            strategy["evidence"],
        )
        for improver in one["improvers"]
        for strategy in improver["strategies"]
    )
    if not rows:
        return None
    headings = ("improver", "strategy", "found by", "lines", "evidence")
    return Table(f"Run {one['run_id']}: evidence", headings, rows)


def _without_sandbox(name: str, title: str, command: str) -> Section:
    said = (
        "Not made: programs are read in the sandbox, and none works where this report was written "
        "(selftaught doctor says why). Where one does:"
    )
    return Section(name, title, (Paragraph(said, f"selftaught {command}"),))


def _plain(name: str) -> str:
    return name.replace("_", " ")
