"""What a run's journal already holds, for a run that goes on or is replayed.

Work is recognised by its key, never by its place in time: finished improver runs and evaluations
are read, and an improver run that was open at the cut starts again and is given the responses that
are there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from selftaught.core.budget import Usage
from selftaught.core.outcome import EvaluationOutcome, Failed
from selftaught.core.program import Program


@dataclass(frozen=True, slots=True)
class EndedRun:
    """A finished improver run.

    Attributes:
        result: what it returned; the entry is not known here.
        usage: what it took of the model.
        scored: how many outcomes of evaluations stood at its end.
    """

    result: str | Failed
    usage: Usage
    scored: int = 0


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that was sent, and of which nothing more is known.

    Attributes:
        key, number, improver_run: which one.
        reserved: what may have been billed for it.
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
        runs: finished improver runs.
        evaluations: outcomes, in the order of their first.
        responses: of each prompt, by their place.
        requests: how many requests each prompt took.
        usage_of: what the requests of each prompt took; of samples those that came.
        calls_of: keys of the prompts that each improver run asked.
        clocks: what clocks were read.
        open_requests: those under way at the cut.
        usage: what all requests took, those under way at the cut at their most.
        elapsed_s: seconds by the clock of the parts of the run so far.
    """

    recorded: frozenset[tuple[str, str]] = frozenset()
    runs: Mapping[str, EndedRun] = field(default_factory=dict)
    evaluations: Mapping[str, EvaluationOutcome] = field(default_factory=dict)
    responses: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    usage_of: Mapping[str, Usage] = field(default_factory=dict)
    calls_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    clocks: Mapping[str, float] = field(default_factory=dict)
    open_requests: tuple[OpenRequest, ...] = ()
    usage: Usage = field(default_factory=Usage)
    elapsed_s: float = 0.0

    def result_of(self, key: str, entry: str) -> tuple[Program | Failed, Usage] | None:
        """What a finished improver run came to, and what it took; None if it is not finished."""
        ended = self.runs.get(key)
        if ended is None:
            return None
        if isinstance(ended.result, Failed):
            return ended.result, ended.usage
        return Program(ended.result, entry), ended.usage
