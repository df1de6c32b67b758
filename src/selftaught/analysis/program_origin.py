"""One program: where it came from, and what it was found to be worth, in all runs of a store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from selftaught.analysis.run_head import RunHead, read_head
from selftaught.analysis.trace import CallTrace, trace_run
from selftaught.core.statistics import Estimate, estimate
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd, Run
from selftaught.journal.reader import JournalReader
from selftaught.journal.study_events import Iteration, MetaEvaluation, Proposal

_NAMING = (Run, Invocation, InvocationEnd, Evaluation, MetaEvaluation, Proposal, Iteration)


@dataclass(frozen=True, slots=True)
class Worth:
    """What a program is worth on a stream of a task; of an improver, on all tasks (None).

    Attributes:
        estimate: over the sets of instances where it scored; None if it scored on none.
        printed: the beginning of what it printed, where it first printed anything.
    """

    task: str | None
    stream: str
    estimate: Estimate | None
    failures: Mapping[str, int]
    printed: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """What made a program in a run.

    Attributes:
        number, improver_run: the improver run, as `show --trace` counts it, and its key.
        call, reply: key of the prompt's call, and which of its replies held it; None where the
            improver put it together itself.
        parents: programs of the run that stand whole in that prompt.
    """

    number: int
    improver_run: str
    improver: str
    call: str | None
    reply: int | None
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProgramInRun:
    """A program in one run; `origin` is None of what the run began with; `seed` the text that a run
    of `improve` began with."""

    head: RunHead
    worth: tuple[Worth, ...]
    origin: Origin | None
    seed: str | None = None


@dataclass(frozen=True, slots=True)
class ProgramHistory:
    """A program in all runs, oldest first."""

    program_id: str
    source: str
    runs: tuple[ProgramInRun, ...]

    def as_json(self) -> dict[str, Any]:
        """The object of `show --json` of a program."""
        runs = [
            {
                "run_id": one.head.run_id,
                "command": one.head.command,
                "worth": [asdict(worth) for worth in one.worth],
                "origin": None if one.origin is None else asdict(one.origin),
            }
            for one in self.runs
        ]
        return {"program_id": self.program_id, "source": self.source, "runs": runs}


def program_view(reader: JournalReader, program_id: str) -> ProgramHistory | None:
    """Of a text that is a program in some run; else None."""
    by_run: dict[str, list[Event]] = {}
    for event in reader.naming(program_id, _NAMING):
        by_run.setdefault(event.run_id, []).append(event)
    source = reader.text(program_id)
    if source is None or not by_run:
        return None
    runs = tuple(
        ProgramInRun(
            head,
            tuple(_worth(events, program_id, head)),
            _origin(reader, run_id, program_id),
            _seed(reader, run_id) if head.command == "improve" else None,
        )
        for run_id, events in by_run.items()
        for head in (read_head(reader, run_id),)
    )
    return ProgramHistory(program_id, source, runs)


def _worth(events: Sequence[Event], program_id: str, head: RunHead) -> Iterator[Worth]:
    bounds = {task.name: head.bounds(task) for task in head.tasks}
    scored: dict[tuple[str, str], dict[str, Evaluation]] = {}
    metas: dict[str, MetaEvaluation] = {}
    for event in events:
        match event.body:
            case Evaluation() as one:
                scored.setdefault((one.task, one.stream), {})[event.key] = one
            case MetaEvaluation(improver=improver) as meta if improver == program_id:
                metas[meta.stream] = meta
    for stream, meta in metas.items():
        yield Worth(None, stream, meta.estimate, {})
    for (task, stream), ones in scored.items():
        values = [one.value for one in ones.values() if one.value is not None]
        failures = Counter(one.outcome for one in ones.values() if one.value is None)
        # What failed is counted by itself, so that the lowest value is one as any other.
        within = bounds.get(task)
        if within is not None and not any(
            one.drew for one in ones.values() if one.value is not None
        ):
            within = within._replace(widens=False)  # as of `improve`
        known = estimate({"": values}, within, lowest_fails=False) if values else None
        printed = next((one.printed for one in ones.values() if one.printed), "")
        yield Worth(task, stream, known, dict(failures), printed)


def _origin(reader: JournalReader, run_id: str, program_id: str) -> Origin | None:
    if _began_with(reader, run_id, program_id):
        return None
    runs = trace_run(reader, run_id).runs
    for run in runs:
        for call in run.calls:
            for reply in call.replies:
                if reply.program_id == program_id:
                    parents = _parents(reader, run_id, program_id, call)
                    made = (run.number, run.key, run.improver)
                    return Origin(*made, call.key, reply.place, parents)
    returned = (run for run in runs if run.program == program_id)
    return next(
        (Origin(one.number, one.key, one.improver, None, None, ()) for one in returned), None
    )


def _began_with(reader: JournalReader, run_id: str, program_id: str) -> bool:
    """The improver that it began with, and the program that was scored first."""
    firsts = (next(reader.events(run_id, (kind,)), None) for kind in (Run, Evaluation))
    return any(first is not None and program_id in first.body.text_ids() for first in firsts)


def _seed(reader: JournalReader, run_id: str) -> str | None:
    """The program that was scored first."""
    first = next(reader.events(run_id, (Evaluation,)), None)
    return None if first is None else reader.text(next(first.body.text_ids()))


def _parents(
    reader: JournalReader, run_id: str, program_id: str, call: CallTrace
) -> tuple[str, ...]:
    known = {
        text_id
        for event in reader.events(run_id, (Evaluation, MetaEvaluation))
        for text_id in event.body.text_ids()
    }
    sources = reader.texts(known - {program_id})
    return tuple(one for one, text in sources.items() if text.strip() and text.strip() in call.user)
