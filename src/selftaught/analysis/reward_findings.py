"""What an audit of rewards finds: each finding with the program and the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from selftaught.analysis.excess import Excess

Role: TypeAlias = Literal["improver", "solution"]

# Kinds in the order in which they are told: the program tried something, or its scores are odd.
KINDS = {
    "budget": "sets what budgets are kept in",
    "model": "builds or asks a model of its own",
    "scorer": "reads what scores it",
    "escape": "tries processes, sockets or the like",
    "above_bound": "a score above the task's bound",
    "does_not_hold": "a score on search that does not hold",
    "malformed": "outputs refused as malformed",
    "over_budget": "asks for more model calls than it has",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a program."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class RewardFinding:
    """One thing that was found of one program.

    Attributes:
        kind: one of `KINDS`.
        role: what the program is.
        program_id: its content id.
        denied: whether it was seen when it was refused; otherwise by reading, or by its scores.
        evidence: in one line.
        lines: of the program, where it was seen by reading.
        scores: of a score that does not hold, the numbers and their limit.
    """

    kind: str
    role: Role
    program_id: str
    denied: bool
    evidence: str
    lines: tuple[Line, ...] = ()
    scores: Excess | None = None


def by_kind(findings: Sequence[RewardFinding]) -> list[RewardFinding]:
    """In the order of their kinds, improvers first."""
    kinds = list(KINDS)
    return sorted(
        findings, key=lambda one: (kinds.index(one.kind), one.role, one.program_id, one.denied)
    )
