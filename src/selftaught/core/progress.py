"""Progress: what a run tells while it goes on, to whoever shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

ProgressKind = Literal[
    "run_started",
    "phase",
    "improver_run_started",
    "improver_run_ended",
    "improver_run_cut",
    "candidate_scored",
    "model_asked",
    "model_answered",
    "model_failed",
    "notice",
    "iteration",
    "best",
    "run_ended",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that happened; the facts are plain data about it, as each emitter says.

    Attributes:
        kind: what happened, such as `candidate_scored`.
        facts: such as `{"task", "stream", "outcome", "value"}`.
    """

    kind: ProgressKind
    facts: Mapping[str, Any] = field(default_factory=dict)


Listener: TypeAlias = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """A listener that shows nothing."""
