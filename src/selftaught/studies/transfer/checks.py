"""What must hold of the events that a transfer study alone writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.engine.keys import make_key
from selftaught.journal.codec import Event
from selftaught.journal.study_events import Transfer, TransferRestart
from selftaught.studies.checking import Past, key_problem

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
    past, task = Past.of(before), body.task
    for name, programs in body.programs.items():
        values, samples = body.values[name], body.samples[name]
        if not len(programs) == len(values) == len(samples):
            yield f"{name} has not as many values and samples as programs"
            continue
        improver = body.improvers.get(name)
        for run, (program, value, drawn) in enumerate(zip(programs, values, samples, strict=True)):
            where = f"{name}, run {run},"
            repeat = f"transfer-{run}"
            if improver is not None:
                role = "restart" if name == _RESTARTED else "inner"
                returned = past.best(role, improver, task, repeat, body.lowest)
                if program != returned:
                    yield f"{where} returned {returned}, and it says {program}"
                found = past.drawn(role, improver, task, repeat)
                if drawn != found:
                    yield f"{where} drew {found} samples, and it says {drawn}"
            worth = past.values.get((program or "", task, "test", repeat))
            if value != worth:
                yield f"{where} is worth {worth} on test, and it says {value}"
