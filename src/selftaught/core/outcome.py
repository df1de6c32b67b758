"""What became of a guest or of an evaluation, as values; their texts are clean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, get_args

from selftaught.core.text import clean

FailureKind = Literal[
    "no_code",
    "syntax",
    "raised",
    "timeout",
    "memory",
    "crashed",
    "bad_output",
    "output_limit",
    "budget",
    "infeasible",
]
FAILURE_KINDS: tuple[FailureKind, ...] = get_args(FailureKind)


@dataclass(frozen=True, slots=True)
class Failed:
    """A guest's failure.

    Attributes:
        kind: no_code (nothing to run, or no such function), syntax, raised (an exception of the
            program's own), timeout (CPU or wall), memory, crashed (killed by a signal, or left
            without an answer), bad_output (an answer that is not data, or of the wrong shape),
            output_limit (too much of it), budget, infeasible (a metric breaks a constraint of the
            task).
        detail: one or a few lines for people; guest frames only.
        cpu_s: CPU seconds that the guest used, where known.
        printed: as of `Scored`.
    """

    kind: FailureKind
    detail: str = ""
    cpu_s: float = 0.0
    printed: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", clean(self.detail))
        object.__setattr__(self, "printed", clean(self.printed))

    @property
    def value(self) -> None:
        """A failure has no value; callers decide what it is worth."""
        return None


@dataclass(frozen=True, slots=True)
class Scored:
    """An evaluation that came to a value; `Measure` says what its parts are.

    Attributes:
        cpu_s: CPU seconds of the guests.
        tier: sandbox tier in which the program ran.
        printed: the beginning of what the program printed.
        drew: whether the utility took anything from its generator: where it does not, all sets of
            instances are the same.
        share: how much of the scoring was done. Below 1 a race was stopped there: the value is an
            estimate, and `per_instance` has the instances up to there.
    """

    value: float
    feedback: str = ""
    per_instance: tuple[float, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    cpu_s: float = 0.0
    tier: str = ""
    printed: str = ""
    drew: bool = True
    share: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "feedback", clean(self.feedback))
        object.__setattr__(self, "printed", clean(self.printed))
        metrics = {clean(name): value for name, value in self.metrics.items()}
        object.__setattr__(self, "metrics", metrics)

    @property
    def kind(self) -> Literal["scored"]:
        return "scored"


EvaluationOutcome = Scored | Failed


def stopped(outcome: EvaluationOutcome) -> Scored | None:
    """The estimate of a program that a race has stopped. Failures are failures, wherever met."""
    return outcome if isinstance(outcome, Scored) and outcome.share < 1 else None
