"""What must hold of the events that a transfer study alone writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.engine.keys import make_key
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd
from selftaught.journal.study_events import Transfer, TransferRestart
from selftaught.studies.checking import key_problem

Body: TypeAlias = Transfer | TransferRestart

_RESTARTED = "seed_restarted"


def transfer_problems(event: Event, before: RecordedRun) -> Iterator[str]:
    """How an event is not what those before it come to."""
    match event.body:
        case Transfer() | TransferRestart() as body:
            root = make_key("run", before.head.seed)
            yield from key_problem(root, event, event.kind, body.task)
            yield from _problems(before.events, body)


def _problems(before: Iterable[Event], body: Body) -> Iterator[str]:
    """What it says that the events before it do not."""
    past = _Past.of(before, body.task)
    for name, programs in body.programs.items():
        values, samples = body.values[name], body.samples[name]
        if not len(programs) == len(values) == len(samples):
            yield f"{name} has not as many values and samples as programs"
            continue
        improver = body.improvers.get(name)
        for run, (program, value, drawn) in enumerate(zip(programs, values, samples, strict=True)):
            where = f"{name}, run {run},"
            if improver is not None:
                ends = past.ends_of(improver, run, restarted=name == _RESTARTED)
                returned = past.best(ends, run, body.lowest)
                if program != returned:
                    yield f"{where} returned {returned}, and it says {program}"
                found = sum(end.usage.samples for end in ends)
                if drawn != found:
                    yield f"{where} drew {found} samples, and it says {drawn}"
            worth = past.worth(program, "test", run)
            if value != worth:
                yield f"{where} is worth {worth} on test, and it says {value}"


@dataclass(frozen=True, slots=True)
class _Past:
    """What was said of one task.

    Attributes:
        starts: of improver runs on it, by key, in their order.
        ends: of improver runs, by key.
        values: by program, stream and repeat; None for a failure.
    """

    starts: Mapping[str, Invocation]
    ends: Mapping[str, InvocationEnd]
    values: Mapping[tuple[str, str, str], float | None]

    @classmethod
    def of(cls, events: Iterable[Event], task: str) -> _Past:
        starts: dict[str, Invocation] = {}
        ends: dict[str, InvocationEnd] = {}
        values: dict[tuple[str, str, str], float | None] = {}
        for event in events:
            match event.body:
                case Invocation() as start if start.task == task:
                    starts.setdefault(event.key, start)
                case InvocationEnd() as end:
                    ends[event.key] = end
                case Evaluation() as one if one.task == task:
                    values[one.program, one.stream, one.repeat] = one.value
        return cls(starts, ends, values)

    def ends_of(self, improver: str, run: int, *, restarted: bool) -> Sequence[InvocationEnd]:
        """How the runs of an improver ended, on the search instances of a run."""
        asked = ("restart" if restarted else "inner", improver, "search", _repeat(run))
        return [
            self.ends[key]
            for key, start in self.starts.items()
            if (start.role, start.improver, start.stream, start.repeat) == asked
            and key in self.ends
        ]

    def best(self, ends: Sequence[InvocationEnd], run: int, lowest: float) -> str | None:
        """The best by search of what they returned; of equals the first."""
        best: tuple[float, str] | None = None
        for program in (end.program for end in ends if end.program is not None):
            worth = self.worth(program, "search", run)
            value = lowest if worth is None else worth
            if best is None or value > best[0]:
                best = (value, program)
        return None if best is None else best[1]

    def worth(self, program: str | None, stream: str, run: int) -> float | None:
        return self.values.get((program or "", stream, _repeat(run)))


def _repeat(run: int) -> str:
    return f"transfer-{run}"
