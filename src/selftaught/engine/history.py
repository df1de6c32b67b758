"""What has been done already: the one place that knows whether a run goes on, or is replayed.

Whoever is about to do something asks here first. The answer is what the journal holds, None for
what is to be done now, or, in a replay, `JournalEnds` where the journal has no more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from selftaught.core.budget import Usage
from selftaught.core.errors import JournalEnds
from selftaught.core.outcome import EvaluationOutcome, Failed
from selftaught.core.program import Program
from selftaught.engine.memory import Memory

T = TypeVar("T")


class History:
    """A run that goes on from where its journal ends; a new one has nothing behind it.

    Attributes:
        memory: what the journal holds.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()

    def holds(self, kind: str, key: str) -> bool:
        """Whether such an event stands, so that it is not written again."""
        return (kind, key) in self.memory.recorded

    def run(self, key: str, entry: str) -> tuple[Program | Failed, Usage] | None:
        """What a finished improver run came to, and what it took."""
        return self.memory.result_of(key, entry)

    def evaluation(self, key: str, program: Program) -> EvaluationOutcome | None:
        return self.memory.evaluations.get(key)

    def responses(self, key: str, n: int) -> tuple[dict[int, str], list[int]]:
        """Those of a prompt by their place, and the places that are still to be asked for."""
        known = self._known(key)
        return known, [place for place in range(n) if place not in known]

    def clock(self, key: str) -> float | None:
        return self.memory.clocks.get(key)

    def derived(self, known: T) -> T | None:
        """What follows from responses and scores: as it stands; None to derive it again."""
        return known

    def scored(self, known: T) -> T | None:
        """What a program was found to be worth: as it stands; None to score it again."""
        return known

    def _known(self, key: str) -> dict[int, str]:
        return dict(self.memory.responses.get(key, {}))


class Replay(History):
    """Nothing but what the journal holds. It writes all its events, to be compared."""

    def __init__(self, memory: Memory, *, rescores: bool = False) -> None:
        """`rescores`: programs are scored anew, though what they were worth decides."""
        super().__init__(replace(memory, recorded=frozenset(), open_requests=(), elapsed_s=0.0))
        self._rescores = rescores

    def evaluation(self, key: str, program: Program) -> EvaluationOutcome | None:
        known = super().evaluation(key, program)
        if known is None:
            raise JournalEnds(f"scored a program that is not in the journal ({program.id})")
        return known

    def responses(self, key: str, n: int) -> tuple[dict[int, str], list[int]]:
        if key not in self.memory.requests:
            raise JournalEnds(f"asked the model what is not in the journal (call {key})")
        return self._known(key), []

    def clock(self, key: str) -> float | None:
        shown_s = super().clock(key)
        if shown_s is None:
            raise JournalEnds(f"read a clock where it did not (clock {key})")
        return shown_s

    def derived(self, known: T) -> T | None:
        return None

    def scored(self, known: T) -> T | None:
        return None if self._rescores else known
