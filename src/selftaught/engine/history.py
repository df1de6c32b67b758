"""What has been done already: the one place that knows whether a run goes on, or is replayed.

Whoever is about to do something asks here first. The answer is what the journal holds, None for
what is to be done now, or, in a replay, `JournalEnds` where the journal has no more. Work is
recognised by its key, never by its place in time: finished improver runs and evaluations are read,
and an improver run that was open at the cut starts again and is given the responses that are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from selftaught.core.budget import Usage
from selftaught.core.errors import JournalEnds
from selftaught.core.outcome import EvaluationOutcome, Failed
from selftaught.core.program import Program

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A finished improver run.

    Attributes:
        result: what it returned; the entry is not known here.
        scored: how many outcomes of evaluations stood at its end.
        short: as `InvocationEnd` has it.
    """

    result: str | Failed
    usage: Usage
    scored: int = 0
    short: bool = False


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that was sent, and of which nothing more is known.

    What is `reserved` may have been billed for it.
    """

    key: str
    number: int
    improver_run: str
    reserved: Usage


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that need not be done again, by key.

    Attributes:
        recorded: kind and key of events that stand already.
        evaluations: outcomes, in the order of their first; `races`: those of races.
        responses: of each prompt, by their place.
        usage_of: what the requests of each prompt took; of samples those that came.
        calls_of: keys of the prompts that each improver run asked.
        open_requests: those under way at the cut.
        usage: what all requests took, those under way at the cut at their most.
        elapsed_s: seconds by the clock of the parts of the run so far.
    """

    recorded: frozenset[tuple[str, str]] = frozenset()
    runs: Mapping[str, EndedRun] = field(default_factory=dict)
    evaluations: Mapping[str, EvaluationOutcome] = field(default_factory=dict)
    races: Mapping[str, EvaluationOutcome] = field(default_factory=dict)
    responses: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    usage_of: Mapping[str, Usage] = field(default_factory=dict)
    calls_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    clocks: Mapping[str, float] = field(default_factory=dict)
    open_requests: tuple[OpenRequest, ...] = ()
    usage: Usage = field(default_factory=Usage)
    elapsed_s: float = 0.0


class History:
    """A run that goes on from where its journal ends; a new one has nothing behind it."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()

    def holds(self, kind: str, key: str) -> bool:
        """Whether such an event stands, so that it is not written again."""
        return (kind, key) in self.memory.recorded

    def run(self, key: str, entry: str) -> tuple[Program | Failed, Usage] | None:
        """What a finished improver run came to, and what it took."""
        ended = self.memory.runs.get(key)
        if ended is None:
            return None
        came = ended.result
        return came if isinstance(came, Failed) else Program(came, entry), ended.usage

    def was_short(self, key: str) -> bool:
        """Whether an improver run has ended, with fewer responses than it asked for."""
        ended = self.memory.runs.get(key)
        return ended is not None and ended.short

    def evaluation(self, key: str, program: Program) -> EvaluationOutcome | None:
        return self.memory.evaluations.get(key) or self.memory.races.get(key)

    def responses(self, keys: Sequence[str], n: int) -> tuple[list[dict[int, str]], list[int]]:
        """Those of a prompt by their place, and the places that are still to be asked for.

        Args:
            keys: of the prompt to each of the run's models, which share the places.
        """
        known = self._known(keys)
        return known, [place for place in range(n) if not any(place in one for one in known)]

    def clock(self, key: str) -> float | None:
        return self.memory.clocks.get(key)

    def derived(self, known: T) -> T | None:
        """What follows from responses and scores: as it stands; None to derive it again."""
        return known

    def scored(self, known: T) -> T | None:
        """What a program was found to be worth: as it stands; None to score it again."""
        return known

    def _known(self, keys: Sequence[str]) -> list[dict[int, str]]:
        return [dict(self.memory.responses.get(key, {})) for key in keys]


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

    def responses(self, keys: Sequence[str], n: int) -> tuple[list[dict[int, str]], list[int]]:
        if not any(key in self.memory.requests for key in keys):
            raise JournalEnds(f"asked the model what is not in the journal (call {keys[0]})")
        return self._known(keys), []

    def clock(self, key: str) -> float | None:
        shown_s = super().clock(key)
        if shown_s is None:
            raise JournalEnds(f"read a clock where it did not (clock {key})")
        return shown_s

    def derived(self, known: T) -> T | None:
        return None

    def scored(self, known: T) -> T | None:
        return None if self._rescores else known
