"""What an arm comes to, by the events of its improver runs: the best so far after each sample."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from msgspec import structs

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.engine.keys import make_key
from selftaught.journal.bench_events import BenchArm, BenchPoint, SearchTrace
from selftaught.journal.codec import Event, as_json
from selftaught.journal.events import (
    Diverged,
    Evaluation,
    Invocation,
    InvocationEnd,
    Replies,
    TaskVersion,
)
from selftaught.studies.checking import key_problem
from selftaught.studies.results import differences


def repeat_of(index: int) -> str:
    """Instances of a seed, which are no other study's."""
    return f"bench-{index}"


def scored(run: RecordedRun, arm: BenchArm, stream: str, program: str) -> Evaluation | None:
    """A program on the arm's instances, if it was scored there."""
    told = _told(run, arm)
    root = make_key("run", run.head.seed)
    u = make_key(root, "task", told.name, told.version, stream, repeat_of(arm.index))
    return run.last(Evaluation, make_key(u, program))


def programs_of(run: RecordedRun, arm: BenchArm) -> set[str]:
    """All that its improver runs had scored."""
    traces = [run.last(SearchTrace, key) for key in arm.runs]
    return {one for trace in traces if trace for one in trace.programs if one is not None}


def arm_of(run: RecordedRun, arm: BenchArm) -> BenchArm:
    """The arm with all that follows from its improver runs and the seed program, its first point.

    The best so far is by search, of equals the one scored first, among programs that a reply of the
    model held. Programs that were scored after the same number of samples count at once.
    """
    told, seed = _told(run, arm), arm.points[0].program
    lowest = -math.inf if told.lowest is None else told.lowest
    held = _Held(run)

    def point(samples: int, scorings: int, usd: float | None, program: str) -> BenchPoint:
        search, test = (scored(run, arm, stream, program) for stream in ("search", "test"))
        return BenchPoint(
            samples=samples,
            scorings=scorings,
            usd=usd,
            program=program,
            search=search.value if search else None,
            test=test.value if test else None,
        )

    def worth(program: str) -> float:
        one = scored(run, arm, "search", program)
        return lowest if one is None or one.value is None else told.worth(one.value)

    best, samples, scorings, edited = worth(seed), 0, 0, 0
    usd: float | None = 0.0
    programs: dict[int, tuple[int, float | None, str]] = {0: (0, usd, seed)}
    for key in arm.runs:
        trace = run.last(SearchTrace, key)
        if trace is None:  # it failed, and a replay does not run it again
            continue
        held.add(trace)
        drawn = [*accumulate(trace.samples, initial=samples)]
        paid: list[float | None] = [None] * len(drawn)
        if usd is not None and trace.usd is not None:
            paid = [*accumulate(trace.usd, initial=usd)]
        for after, program in zip(trace.after, trace.programs, strict=True):
            scorings += 1
            if program is None or program == seed:
                continue
            if not drawn[after] or program not in held:
                edited += 1
            elif (value := worth(program)) > best:
                best = value
                programs[drawn[after]] = (scorings, paid[after], program)
        samples, usd = drawn[-1], paid[-1]
    return structs.replace(
        arm,
        samples=samples,
        scorings=scorings,
        usd=usd,
        edited=edited,
        points=tuple(point(at, *found) for at, found in programs.items()),
    )


@dataclass(slots=True)
class _Held:
    """Programs that replies of the model held, blanks around them aside."""

    run: RecordedRun
    ids: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)

    def add(self, trace: SearchTrace) -> None:
        for key in trace.replies:
            found = self.run.last(Replies, key)
            self.ids |= {one for one in found.programs if one is not None} if found else set()

    def __contains__(self, program: str) -> bool:
        if program in self.ids:
            return True
        # An improver may find programs in replies by itself.
        if len(self.texts) < len(self.ids):
            self.texts |= {(self.run.text(one) or "").strip() for one in self.ids}
        return (self.run.text(program) or "").strip() in self.texts


def _told(run: RecordedRun, arm: BenchArm) -> TaskVersion:
    return next(task for task in run.head.tasks if task.name == arm.task)


def bench_problems(event: Event, before: RecordedRun) -> Iterator[str]:
    """How an event is not what those before it come to."""
    arm = event.body
    if not isinstance(arm, BenchArm):
        return
    root = make_key("run", before.head.seed)
    yield from key_problem(root, event, event.kind, arm.task, arm.improver, arm.index)
    for key in arm.runs:
        begun, ended = before.last(Invocation, key), before.last(InvocationEnd, key)
        trace = before.last(SearchTrace, key)
        place = (arm.improver, arm.task, "search", repeat_of(arm.index))
        if begun is None or (begun.improver, begun.task, begun.stream, begun.repeat) != place:
            yield f"improver run {key} is none of {' '.join(place)}"
        elif trace is None or ended is None:
            yield f"improver run {key} has not ended, or nothing tells what it scored"
        elif before.last(Diverged, key) is None:
            found = (sum(trace.samples), len(trace.programs))
            said = (ended.usage.samples, ended.utility_uses)
            if found != said:
                yield f"improver run {key} took {said} samples and scorings, and its trace {found}"
    yield from differences(as_json(arm), as_json(arm_of(before, arm)))
