"""What must hold of the events that a STOP run alone writes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.scale import Scale
from selftaught.core.statistics import Estimate, close, estimate, paired_difference
from selftaught.engine.keys import make_key
from selftaught.engine.raised import Raises
from selftaught.journal.codec import Event
from selftaught.journal.events import (
    Evaluation,
    Invocation,
    InvocationEnd,
    MetaEvaluation,
    TaskVersion,
)
from selftaught.journal.study_events import Baseline, Iteration, Proposal, StepProposal
from selftaught.studies.checking import estimate_problem, key_problem


def stop_problems(event: Event, before: RecordedRun) -> Iterator[str]:
    """How an event is not what those before it come to."""
    root = make_key("run", before.head.seed)
    match event.body:
        case Proposal() as body:
            yield from key_problem(root, event, event.kind, body.t)
            yield from _proposal_problems(root, before, body)
        case Iteration() as body:
            yield from key_problem(root, event, event.kind, body.t)
            yield from _iteration_problems(root, before, body)
        case Baseline() as body:
            yield from key_problem(root, event, "baseline", body.name)
            yield from estimate_problem("its values", body.estimate, estimate(body.values))
            yield from _baseline_problems(before, body)


def _proposal_problems(root: str, before: RecordedRun, body: Proposal) -> Iterator[str]:
    new, old = (
        before.last(MetaEvaluation, make_key(root, "meta", improver, "val"))
        for improver in (body.improver or "", body.parent)
    )
    if body.val_difference is not None and new is not None and old is not None:
        difference = paired_difference(new.values, old.values)
        yield from estimate_problem("val_difference", body.val_difference, difference)


def _iteration_problems(root: str, before: RecordedRun, body: Iteration) -> Iterator[str]:
    said: tuple[tuple[str, Estimate], ...] = (("val", body.val), ("test", body.test))
    for stream, estimated in said:
        meta = before.last(MetaEvaluation, make_key(root, "meta", body.improver_id, stream))
        if meta is None:
            of = f"improver {body.improver_id} on {stream}"
            yield f"{stream} is of {of}, which was never measured"
        else:
            yield from estimate_problem(stream, estimated, meta.estimate)
    proposal = before.last(Proposal, make_key(root, "proposal", body.t))
    if (proposal is None) != (body.proposal is None):
        yield "it and the proposals do not agree whether there was one"
    elif proposal is not None and body.proposal != _of_step(proposal):
        yield f"its proposal is not the one that was recorded for t = {body.t}"


def _of_step(body: Proposal) -> StepProposal:
    """A proposal as its iteration shows it."""
    return StepProposal(body.improver, body.accepted, body.val_difference, body.reason)


# --- baselines, from improver runs and evaluations ------------------------------------------------

_Place = tuple[str, str]  # task and repeat


@dataclass(slots=True)
class _Runs:
    """The improver runs of a journal so far, and what their programs scored."""

    ends: dict[tuple[str, str], dict[_Place, list[InvocationEnd]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    values: dict[tuple[str, str, str, str], float | None] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Sequence[Event]) -> _Runs:
        runs, raises = cls(), Raises()
        begun: dict[str, Invocation] = {}
        ended: dict[str, InvocationEnd] = {}
        for event in events:
            for key in raises.add(event).runs:
                ended.pop(key, None)
            match event.body:
                case Invocation() as start:
                    begun.setdefault(event.key, start)
                case InvocationEnd() as end if event.key in begun:
                    ended.setdefault(event.key, end)
                case Evaluation() as one:
                    runs.values[one.program, one.task, one.stream, one.repeat] = one.value
        for key, end in ended.items():
            start = begun[key]
            place = (start.task or "", start.repeat or "")
            runs.ends[start.role, start.improver][place].append(end)
        return runs

    def drawn(self, role: str, improver: str, place: _Place) -> int:
        return sum(end.usage.samples for end in self.ends[role, improver][place])

    def best(self, improver: str, place: _Place, task: TaskVersion, lowest: float) -> str | None:
        """The best by search of what the restarts returned; of equals, the first."""
        returned = [end.program for end in self.ends["restart", improver][place]]
        programs = [program for program in returned if program is not None]

        def by_search(program: str) -> float:
            value = self.values.get((program, place[0], "search", place[1]))
            return lowest if value is None else task.worth(value)

        return max(programs, key=by_search, default=None)


def _baseline_problems(before: RecordedRun, body: Baseline) -> Iterator[str]:
    """How a baseline is not what the events before it come to, its estimate aside."""
    runs = _Runs.of(before.events)
    told = {task.name: task for task in before.head.tasks}
    for task, values in body.values.items():
        scale = _scale(body, task, told[task])
        for run, value in enumerate(values):
            place = (task, f"test-{run}")
            where = f"of baseline {body.name} in run {run} of {task}"
            best = runs.best(body.improver, place, told[task], told[task].worth(scale.worst))
            if best is not None and (best, task, "test", place[1]) not in runs.values:
                yield f"the best program {where} was never scored on test"
                continue
            scored = runs.values.get((best or "", task, "test", place[1]))
            found = {
                "programs": best,
                "samples": runs.drawn("restart", body.improver, place),
                "final_samples": runs.drawn("inner", body.final, place),
                "values": 0.0 if scored is None else scale.share(scored),
            }
            said = {
                "programs": body.programs[task][run],
                "samples": body.samples[task][run],
                "final_samples": body.final_samples[task][run],
                "values": value,
            }
            for name in found:
                if not _same(found[name], said[name]):
                    yield f"{name} {where} come to {found[name]}, and it says {said[name]}"


def _scale(body: Baseline, task: str, told: TaskVersion) -> Scale:
    worst, best = body.bounds[task]
    beyond = math.inf if told.minimize else -math.inf
    return Scale(
        beyond if worst is None else worst,
        -beyond if best is None else best,
        body.seed_values.get(task),
    )


def _same(found: Any, said: Any) -> bool:
    if isinstance(found, float) and isinstance(said, (int, float)):
        return close(found, said)
    return bool(found == said)
