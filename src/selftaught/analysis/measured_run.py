"""What one STOP run measured at each step, and of the baselines, with the samples really drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.run_head import RunHead
from selftaught.core.statistics import Estimate, paired_difference
from selftaught.journal.codec import Event
from selftaught.journal.events import Invocation, InvocationEnd, LmAnswer
from selftaught.journal.study_events import Baseline, Iteration, MetaEvaluation


@dataclass(frozen=True, slots=True)
class MeasuredStep:
    """The improver that stands after step t; intervals are those within the run.

    Attributes:
        samples_per_improver_run: responses that it drew in an improver run on test; the mean.
        samples_so_far: responses that the whole run had drawn when this was measured.
    """

    t: int
    improver_id: str
    val: Estimate
    test: Estimate
    samples_per_improver_run: float
    samples_so_far: int

    def as_json(self) -> dict[str, Any]:
        return {
            "t": self.t,
            "improver_id": self.improver_id,
            "val": self.val.as_json(),
            "test": self.test.as_json(),
            "samples_per_improver_run": self.samples_per_improver_run,
            "samples_so_far": self.samples_so_far,
        }


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

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "improver_id": self.improver_id,
            "test": self.test.as_json(),
            "final_difference": self.final_difference.as_json(),
            "samples_per_improver_run": self.samples_per_improver_run,
            "final_samples_per_improver_run": self.final_samples_per_improver_run,
        }


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run by itself; `steps` by t from 0, none left out."""

    head: RunHead
    steps: tuple[MeasuredStep, ...]
    baselines: tuple[MeasuredBaseline, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "run_id": self.head.run_id,
            "seed": self.head.seed,
            "state": self.head.state,
            "points": [step.as_json() for step in self.steps],
            "baselines": [baseline.as_json() for baseline in self.baselines],
        }


def measured_run(run: RecordedRun) -> MeasuredRun:
    """What a run has measured so far."""
    events = run.events
    drawn, so_far = _drawn_on_test(events), _drawn_so_far(events)
    finals = {
        event.body.improver: event.body
        for event in events
        if isinstance(event.body, MetaEvaluation) and event.body.stream == "test"
    }
    steps: dict[int, MeasuredStep] = {}
    baselines: dict[str, MeasuredBaseline] = {}
    for event in events:
        match event.body:
            case Iteration() as step:
                steps[step.t] = _step(step, drawn, so_far(step.t))
            case Baseline() as baseline:
                baselines[baseline.name] = _baseline(baseline, finals)
    return MeasuredRun(run.head, tuple(steps[t] for t in sorted(steps)), tuple(baselines.values()))


def _drawn_so_far(events: Sequence[Event]) -> Callable[[int], int]:
    """Responses that a run had drawn when step t was measured, by t.

    An improver is measured on test beside the next proposal: what that draws is not of its step.
    """
    begun: dict[str, Invocation] = {}
    standing: dict[int, str] = {}
    of_steps: defaultdict[int, int] = defaultdict(int)
    on_test: defaultdict[str, int] = defaultdict(int)
    step = 0
    for event in events:
        match event.body:
            case Invocation() as start if event.key not in begun:
                begun[event.key] = start
                step += start.role == "proposal"
            case Iteration() as body:
                standing[body.t] = body.improver_id
            case LmAnswer(state="answered", invocation=key, usage=usage):
                asked = begun.get(key)
                if asked is None:
                    of_steps[len(standing)] += usage.samples
                elif asked.role == "restart":
                    continue  # baselines come after all steps
                elif asked.role == "inner" and (asked.repeat or "").startswith("test-"):
                    on_test[asked.improver] += usage.samples
                else:
                    of_steps[step] += usage.samples

    def until(t: int) -> int:
        improvers = {improver for place, improver in standing.items() if place <= t}
        drawn = sum(samples for place, samples in of_steps.items() if place <= t)
        return drawn + sum(on_test[improver] for improver in improvers)

    return until


def _step(body: Iteration, drawn: Mapping[str, list[int]], so_far: int) -> MeasuredStep:
    return MeasuredStep(
        t=body.t,
        improver_id=body.improver_id,
        val=body.val,
        test=body.test,
        samples_per_improver_run=_mean(drawn[body.improver_id]),
        samples_so_far=so_far,
    )


def _baseline(body: Baseline, finals: Mapping[str, MetaEvaluation]) -> MeasuredBaseline:
    return MeasuredBaseline(
        name=body.name,
        improver_id=body.improver,
        test=body.estimate,
        final_difference=paired_difference(finals[body.final].values, body.values),
        samples_per_improver_run=_mean(_flat(body.samples)),
        final_samples_per_improver_run=_mean(_flat(body.final_samples)),
    )


def _drawn_on_test(events: Iterable[Event]) -> Mapping[str, list[int]]:
    """By improver, the responses that came in each of its improver runs for test."""
    improver_of: dict[str, str] = {}
    samples: dict[str, int] = {}
    for event in events:
        match event.body:
            case Invocation(role="inner") as start if (start.repeat or "").startswith("test-"):
                improver_of[event.key] = start.improver
            case InvocationEnd(usage=usage) if event.key in improver_of:
                samples[event.key] = usage.samples
    drawn: defaultdict[str, list[int]] = defaultdict(list)
    for key, count in samples.items():
        drawn[improver_of[key]].append(count)
    return drawn


def _flat(by_task: Mapping[str, Sequence[int]]) -> list[int]:
    return [count for counts in by_task.values() for count in counts]


def _mean(counts: list[int]) -> float:
    return sum(counts) / len(counts) if counts else 0.0
