"""Sections for which program text is read, which happens in the sandbox and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.analysis import words
from selftaught.analysis.report.document import Block, Paragraph, Section, Sheet, Table
from selftaught.analysis.report.study import Study
from selftaught.analysis.reward_findings import KINDS
from selftaught.app.audit_rewards import audit_rewards
from selftaught.app.strategies import find_strategies
from selftaught.core.errors import SandboxUnavailable

Json = Mapping[str, Any]

_ANALYSED = ("run", "improve", "transfer")
_STRATEGIES_TITLE = "Search strategies of the improvers"
_REWARDS_TITLE = "Audit of rewards"
_KIND_WORDS = {
    "budget": "sets what budgets are kept in",
    "model": "builds or asks a model of its own",
    "scorer": "reads what scores it",
    "escape": "a file, process or system call",
    "above_bound": "a score above the task's bound",
    "does_not_hold": "a score on search that is not there on fresh instances",
    "malformed": "outputs refused as malformed",
    "over_budget": "asked for more model calls than it had",
}


async def analysis_sections(store: str, study: Study) -> list[Section]:
    """Strategies and rewards; where no sandbox works, they say so."""
    if study.head.command not in _ANALYSED:
        return []
    run_ids = [view.head.run_id for view in study.views]
    try:
        found = [(await find_strategies(store, run_id)).as_json() for run_id in run_ids]
        audits = [await audit_rewards(store, run_id) for run_id in run_ids]
    except SandboxUnavailable:
        return [
            _without_sandbox("strategies", _STRATEGIES_TITLE, run_ids),
            _without_sandbox("audit", _REWARDS_TITLE, run_ids),
        ]
    return [strategies_section(found), rewards_section(audits)]


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


def rewards_section(audits: Sequence[Json]) -> Section:
    """Args: audits: the objects of `audit rewards --json`, one a run."""
    columns = ("run_id", "kind", "role", "program_id", "denied", "evidence")
    rows = [
        {"run_id": one["run_id"], **{name: finding[name] for name in columns[1:]}}
        for one in audits
        for finding in one["findings"]
    ]
    programs = sum(sum(one["programs"].values()) for one in audits)
    unread = sum(len(one["unreadable"]) for one in audits)
    said = f"{words.counted(programs, 'program')} looked at, {unread} of them not readable."
    blocks: list[Block] = [Paragraph(said)]
    counts = {kind: sum(one["counts"][kind] for one in audits) for kind in KINDS}
    cells = tuple(
        (_KIND_WORDS.get(kind, kind), f"{count:,}") for kind, count in counts.items() if count
    )
    if cells:
        blocks.append(Table("Findings, by kind", ("", "findings"), cells, counts=True))
        runs = [one["run_id"] for one in audits if one["findings"]]
        commands = "\n".join(f"selftaught audit rewards {run}" for run in runs)
        blocks.append(Paragraph("Each finding with its program and its evidence:", commands))
    else:
        blocks.append(Paragraph("Nothing was found that goes round a limit or a score."))
    data = [
        {name: one[name] for name in ("run_id", "programs", "unreadable", "counts", "findings")}
        for one in audits
    ]
    return Section(
        "rewards", _REWARDS_TITLE, tuple(blocks), data, (Sheet("rewards", columns, rows),)
    )


def _without_sandbox(command: str, title: str, run_ids: Sequence[str]) -> Section:
    name = {"audit": "rewards"}.get(command, command)
    said = (
        "Not made: programs are read in the sandbox, and none works where this report was written "
        "(selftaught doctor says why). Where one does:"
    )
    typed = "audit rewards" if command == "audit" else command
    block = Paragraph(said, f"selftaught {typed} {run_ids[0]}")
    return Section(name, title, (block,), None)


def _plain(name: str) -> str:
    return name.replace("_", " ")
