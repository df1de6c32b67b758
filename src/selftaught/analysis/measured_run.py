"""What one STOP run measured at each step, and of the baselines, with the samples really drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.core.statistics import Estimate, paired_difference
from selftaught.journal.codec import Event
from selftaught.journal.events import Invocation, InvocationEnd, LmAnswer
from selftaught.journal.study_events import Baseline, Iteration, MetaEvaluation


@dataclass(frozen=True, slots=True)
class Point:
    """The improver that stands after step t, of a run or over the runs of a series.

    Attributes:
        val, test: its meta-utility.
        samples_per_improver_run: responses that it drew in an improver run on test; the mean.
        samples_so_far: responses that a whole run drew until this was measured; the mean.
        test_gain: on test over the improver of t = 0, paired by run; None at t = 0, and of one run
            by itself, whose own comparison tells it.
        improver_id: of one run.
    """

    t: int
    val: Estimate
    test: Estimate
    samples_per_improver_run: float
    samples_so_far: float
    test_gain: Estimate | None = None
    improver_id: str | None = None


@dataclass(frozen=True, slots=True)
class MeasuredBaseline:
    """A baseline on test, restarted to the samples of the final improver.

    Attributes:
        name: `seed` for the run's own seed improver.
        final_difference: the final improver minus it, paired.
        samples_per_improver_run, final_samples_per_improver_run: responses drawn; the mean.
    """

    name: str
    improver_id: str
    test: Estimate
    final_difference: Estimate
    samples_per_improver_run: float
    final_samples_per_improver_run: float


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run by itself; `points` by t from 0, none left out, with the intervals within the run."""

    run_id: str
    seed: int
    state: str
    points: tuple[Point, ...]
    baselines: tuple[MeasuredBaseline, ...]


def measured_run(run: RecordedRun) -> MeasuredRun:
    """What a run has measured so far."""
    events = run.events
    proposals = run.head.config.get("proposals", 1)  # older runs do not say it
    drawn, so_far = _drawn_on_test(events), _drawn_so_far(events, proposals)
    finals: dict[str, MetaEvaluation] = {}
    points: dict[int, Point] = {}
    baselines: dict[str, MeasuredBaseline] = {}
    for event in events:
        match event.body:
            case MetaEvaluation(stream="test") as meta:
                finals[meta.improver] = meta
            case Iteration(t=t, improver_id=improver) as step:
                took = mean(drawn[improver])
                points[t] = Point(t, step.val, step.test, took, so_far(t), improver_id=improver)
            case Baseline() as one:
                baselines[one.name] = MeasuredBaseline(
                    one.name,
                    one.improver,
                    one.estimate,
                    paired_difference(finals[one.final].values, one.values, run.head.unit),
                    mean([count for counts in one.samples.values() for count in counts]),
                    mean([count for counts in one.final_samples.values() for count in counts]),
                )
    head = run.head
    ordered = tuple(points[t] for t in sorted(points))
    return MeasuredRun(head.run_id, head.seed, head.state, ordered, tuple(baselines.values()))


def _drawn_so_far(events: Sequence[Event], proposals: int) -> Callable[[int], int]:
    """Responses that a run of so many proposals a step had drawn when step t was measured, by t.

    An improver is measured on test beside the next proposal: what that draws is not of its step.
    """
    begun: dict[str, Invocation] = {}
    standing: dict[int, str] = {}
    of_steps: defaultdict[int, int] = defaultdict(int)
    on_test: defaultdict[str, int] = defaultdict(int)
    step = proposed = 0
    for event in events:
        match event.body:
            case Invocation() as start if event.key not in begun:
                begun[event.key] = start
                proposed += start.role == "proposal"
                step = -(-proposed // proposals)
            case Iteration() as body:
                standing[body.t] = body.improver_id
            case LmAnswer(state="answered", invocation=key, usage=usage):
                asked = begun.get(key)
                if asked is None:
                    of_steps[len(standing)] += usage.samples
                elif asked.role == "restart":
                    continue  # baselines come after all steps
                elif _is_on_test(asked):
                    on_test[asked.improver] += usage.samples
                else:
                    of_steps[step] += usage.samples

    def until(t: int) -> int:
        improvers = {improver for place, improver in standing.items() if place <= t}
        drawn = sum(samples for place, samples in of_steps.items() if place <= t)
        return drawn + sum(on_test[improver] for improver in improvers)

    return until


def _drawn_on_test(events: Iterable[Event]) -> Mapping[str, list[int]]:
    """By improver, the responses that came in each of its improver runs for test."""
    improver_of: dict[str, str] = {}
    samples: dict[str, int] = {}
    for event in events:
        match event.body:
            case Invocation() as start if _is_on_test(start):
                improver_of[event.key] = start.improver
            case InvocationEnd(usage=usage) if event.key in improver_of:
                samples[event.key] = usage.samples
    drawn: defaultdict[str, list[int]] = defaultdict(list)
    for key, count in samples.items():
        drawn[improver_of[key]].append(count)
    return drawn


def _is_on_test(start: Invocation) -> bool:
    return start.role == "inner" and (start.repeat or "").startswith("test-")


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
