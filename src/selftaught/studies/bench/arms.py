"""What an arm comes to, by the events of its improver runs: the best so far after each sample."""

from __future__ import annotations

import math
from bisect import bisect_left
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

    The best so far is by search, of equals the one drawn first, among programs that a reply of the
    model held: each counts from the sample on that held it first, whenever it was scored. So a best
    of n, which draws all and then scores, is not behind for its order.
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

    scorings, edited = 0, 0
    drawn, paid = [0], [0.0]  # after each call; nothing is paid where a price is not known
    found: list[tuple[int, int, str]] = []
    for key in arm.runs:
        trace = run.last(SearchTrace, key)
        if trace is None:  # it failed, and a replay does not run it again
            continue
        held.add(trace, drawn[-1])
        begun = len(drawn) - 1
        drawn += [*accumulate(trace.samples, initial=drawn[-1])][1:]
        paid += [*accumulate(trace.usd or (math.nan,) * len(trace.samples), initial=paid[-1])][1:]
        for after, program in zip(trace.after, trace.programs, strict=True):
            scorings += 1
            if program is None or program == seed:
                continue
            at = held.since(program)
            if at is None or at > drawn[begun + after]:
                edited += 1
            else:
                found.append((at, scorings, program))
        scorings += trace.uses - len(trace.programs)
    usd = [None if math.isnan(one) else one for one in paid]
    best = worth(seed)
    points = [point(0, 0, 0.0, seed)]
    for at, scored_as, program in sorted(found):
        if (value := worth(program)) > best:
            best = value
            points.append(point(at, scored_as, usd[bisect_left(drawn, at)], program))
    return structs.replace(
        arm,
        samples=drawn[-1],
        scorings=scorings,
        usd=usd[-1],
        edited=edited,
        points=tuple(points),
    )


@dataclass(slots=True)
class _Held:
    """Programs that replies of the model held, blanks around them aside, and since which sample."""

    run: RecordedRun
    ids: dict[str, int] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)
    read: int = 0

    def add(self, trace: SearchTrace, at: int) -> None:
        """What was drawn after so many samples."""
        for key in trace.replies:
            found = self.run.last(Replies, key)
            for program in found.programs if found else ():
                at += 1
                if program is not None:
                    self.ids.setdefault(program, at)

    def since(self, program: str) -> int | None:
        if program in self.ids:
            return self.ids[program]
        # An improver may find programs in replies by itself.
        for held, at in [*self.ids.items()][self.read :]:
            self.texts.setdefault(self._text(held), at)
        self.read = len(self.ids)
        return self.texts.get(self._text(program))

    def _text(self, program: str) -> str:
        return (self.run.text(program) or "").strip()


def _told(run: RecordedRun, arm: BenchArm) -> TaskVersion:
    return next(task for task in run.head.tasks if task.name == arm.task)


def bench_problems(event: Event, before: RecordedRun) -> Iterator[str]:
    """How an event is not what those before it come to."""
    arm = event.body
    if not isinstance(arm, BenchArm):
        return
    root = make_key("run", before.head.seed)
    yield from key_problem(root, event, event.kind, arm.task, arm.improver, arm.index)
    begun = before.past().begun("restart", arm.improver, arm.task, repeat_of(arm.index))
    if arm.runs != begun:
        yield f"its improver runs are {', '.join(arm.runs)}, and those begun {', '.join(begun)}"
    for key in arm.runs:
        ended, trace = before.last(InvocationEnd, key), before.last(SearchTrace, key)
        if trace is None or ended is None:
            yield f"improver run {key} has not ended, or nothing tells what it scored"
        elif before.last(Diverged, key) is None:
            found = (sum(trace.samples), trace.uses)
            said = (ended.usage.samples, ended.utility_uses)
            if found != said:
                yield f"improver run {key} took {said} samples and scorings, and its trace {found}"
    yield from differences(as_json(arm), as_json(arm_of(before, arm)))
