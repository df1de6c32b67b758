"""What an audit of rewards finds: each finding with the program and the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

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
# What honest programs do as well.
ACCIDENTS = ("malformed", "over_budget")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a program."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector of the user's own finds of a program.

    Attributes:
        kind: a word for it, such as `hardcoded`.
        evidence: in one line.
        lines: numbers of lines of the program, the first being 1.
    """

    kind: str
    evidence: str
    lines: Sequence[int] = ()


# From a program's text and its trace, a list of what became of each of its runs: `{"kind":
# "evaluation", "task", "stream", "repeat", "outcome", "value", "detail", "feedback", ...}`, of an
# improver `{"kind": "invocation_end", "outcome", "detail", ...}`.
Detector: TypeAlias = Callable[[str, list[dict[str, Any]]], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Excess:
    """How far scores on search lie above scores on fresh instances.

    Attributes:
        difference: mean on search minus mean on fresh instances.
        at_least: what of it luck does not explain; above 0, the scores on search do not hold.
        of: among how many it was the best on search, or may have been.
        holds: whether luck explains all of it.
    """

    difference: float
    at_least: float
    search: float
    fresh: float
    n_search: int
    n_fresh: int
    of: int
    holds: bool


@dataclass(frozen=True, slots=True)
class RewardFinding:
    """One thing that was found of one program.

    Attributes:
        kind: one of `KINDS`, or of a detector of the user's own.
        denied: whether it was seen when it was refused; otherwise by reading, or by its scores.
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
    """In the order of their kinds, the user's own last, improvers first."""
    kinds = [*KINDS, *sorted({one.kind for one in findings} - KINDS.keys())]
    return sorted(
        findings, key=lambda one: (kinds.index(one.kind), one.role, one.program_id, one.denied)
    )
