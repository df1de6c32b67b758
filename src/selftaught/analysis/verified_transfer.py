"""Whether a transfer study says what its improver runs and evaluations come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from selftaught.analysis.verified_estimate import close
from selftaught.core.transfer_table import TransferredTask, transfer_rows
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd
from selftaught.journal.study_events import Transfer, TransferRestart

Shown: TypeAlias = Mapping[str, Any]
Body: TypeAlias = Transfer | TransferRestart

_RESTARTED = "seed_restarted"


def transfer_problems(before: Iterable[Event], body: Body) -> Iterator[str]:
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


def transfer_result_problems(
    result: Shown, measured: Mapping[str, Transfer], restarted: Mapping[str, TransferRestart]
) -> Iterator[str]:
    """What the result of a study says that what was measured, by task, does not."""
    tasks = [
        TransferredTask(task, **_worth(body), **_worth(restarted.get(task)))
        for task, body in measured.items()
    ]
    rows = transfer_rows(tasks)
    said = result["tasks"]
    if [one["task"] for one in said] != [row["task"] for row in rows]:
        yield "its tasks are not those that were measured"
        return
    for row, one in zip(rows, said, strict=True):
        for name, found in row.items():
            if not _agree(found, one[name]):
                yield f"{row['task']}: {name} comes to {found}, and it says {one[name]}"
        bodies: list[Body] = [measured[row["task"]]]
        if row["task"] in restarted:
            bodies.append(restarted[row["task"]])
        for name, drawn in one["samples"].items():
            found = sum(sum(body.samples.get(name, ())) for body in bodies)
            if drawn != found:
                yield f"{row['task']}: {name} drew {found} samples, and it says {drawn}"
        for name, failures in one["failures"].items():
            found = sum(body.values.get(name, ()).count(None) for body in bodies)
            if failures != found:
                yield f"{row['task']}: {name} failed {found} times, and it says {failures}"


def _worth(body: Body | None) -> dict[str, list[float]]:
    """Values by what reached them; a failure is worth the lowest."""
    if body is None:
        return {}
    return {
        name: [body.lowest if value is None else value for value in values]
        for name, values in body.values.items()
    }


def _agree(found: Any, said: Any) -> bool:
    """Means, intervals and p-values are computed anew, so they may differ in their last digits."""
    if isinstance(found, Mapping):
        names_agree = isinstance(said, Mapping) and set(found) == set(said)
        return names_agree and all(_agree(found[name], said[name]) for name in found)
    if isinstance(found, list):
        return isinstance(said, list) and len(found) == len(said) and all(map(close, found, said))
    if isinstance(found, float) and isinstance(said, (int, float)):
        return close(found, said)
    return bool(found == said)


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
