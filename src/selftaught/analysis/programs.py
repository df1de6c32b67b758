"""All programs that a run scored on search, the best first."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from selftaught.analysis.replies import by_call
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, Run


@dataclass(frozen=True, slots=True)
class ScoredProgram:
    """A program on a task's search instances.

    Attributes:
        value: its mean over those sets where it scored; None if it scored on none.
        failed: how it failed first, in a line; empty if it never did.
        improver_run: the number of the first whose reply held it, as `show --trace` counts them;
            None for what no reply held.
    """

    program_id: str
    task: str
    value: float | None
    sets: int
    failed: str
    improver_run: int | None


@dataclass(frozen=True, slots=True)
class Programs:
    """Those of a run, by task, and then the best first."""

    run_id: str
    rows: tuple[ScoredProgram, ...]

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(row) for row in self.rows]


def scored_programs(run_id: str, events: Iterable[Event]) -> Programs:
    """Of a run's events."""
    listed = [*events]
    costs: set[str] = set()
    numbers: dict[str, int] = {}
    scored: dict[tuple[str, str], dict[str, Evaluation]] = {}
    for event in listed:
        match event.body:
            case Run(tasks=tasks):
                costs |= {task.name for task in tasks if task.minimize}
            case Invocation():
                numbers.setdefault(event.key, len(numbers) + 1)
            case Evaluation(stream="search") as one:
                scored.setdefault((one.task, one.program), {})[event.key] = one
    made: dict[str, int] = {}
    for said in by_call(listed).values():
        for program in said.programs:
            if program is not None and said.invocation in numbers:
                made.setdefault(program, numbers[said.invocation])
    rows = [_row(*of, [*ones.values()], made) for of, ones in scored.items()]
    sign = {row.task: 1 if row.task in costs else -1 for row in rows}
    rows.sort(
        key=lambda row: (
            row.task,
            math.inf if row.value is None else sign[row.task] * row.value,
        )
    )
    return Programs(run_id, tuple(rows))


def _row(task: str, program: str, ones: list[Evaluation], made: dict[str, int]) -> ScoredProgram:
    values = [one.value for one in ones if one.value is not None]
    failed = next((one for one in ones if one.value is None), None)
    said = "" if failed is None else f"{failed.outcome}: {failed.detail}".partition("\n")[0]
    mean = math.fsum(values) / len(values) if values else None
    return ScoredProgram(program, task, mean, len(ones), said.rstrip(": "), made.get(program))
