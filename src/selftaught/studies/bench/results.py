"""What the arms of a bench come to: areas under curves, and their differences to the first."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from selftaught.analysis.recorded_run import RecordedRun, latest
from selftaught.core.program import content_id
from selftaught.core.scale import Scale
from selftaught.core.statistics import (
    Bounds,
    are_alike,
    estimate,
    holm,
    paired_difference,
    two_sided_p,
)
from selftaught.journal.bench_events import BenchArm, BenchPoint
from selftaught.journal.events import TaskVersion

Steps: TypeAlias = Sequence[tuple[float, float]]  # from where on, and what it is worth

ERROR_RATE = 0.05
_CURVE_PARTS = 40


def area_under(steps: Steps, end: float) -> float:
    """The mean of a step function from 0 to the end."""
    ends = [*(at for at, _ in steps[1:]), end]
    parts = [
        (min(until, end) - at, value)
        for (at, value), until in zip(steps, ends, strict=True)
        if at < min(until, end)
    ]
    return math.fsum(width * value for width, value in parts) / end


def value_at(steps: Steps, place: float) -> float:
    """That of the last step up to there."""
    return [value for at, value in steps if at <= place][-1]


@dataclass(frozen=True, slots=True)
class TaskArms:
    """The arms of one task, by improver, of all seeds that were measured whole.

    Attributes:
        bounds: of the task's own values, as far as intervals know of them.
    """

    told: TaskVersion
    arms: Mapping[str, Sequence[BenchArm]]
    most: int
    bounds: Bounds | None

    def own(self, point: BenchPoint) -> float:
        """Its value on test; of a failure the worst, in the task's own unit."""
        if point.test is not None:
            return point.test
        return self.told.worth(-math.inf if self.told.lowest is None else self.told.lowest)

    def areas(self, name: str) -> list[float]:
        """Of normalised values, one a seed."""
        found = []
        for arm in self.arms[name]:
            scale = Scale.between(arm.bounds, arm.seed_value, minimize=self.told.minimize)
            steps = [(one.samples, scale.share(self.own(one))) for one in arm.points]
            found.append(area_under(steps, self.most))
        return found

    @property
    def usd(self) -> float | None:
        """The most that every arm has spent; None where nothing was, or it is not known."""
        spent = [arm.usd for arms in self.arms.values() for arm in arms]
        known = [one for one in spent if one is not None]
        return min(known) or None if len(known) == len(spent) else None

    def mean(self, values: Sequence[float]) -> dict[str, Any]:
        """Over seeds, with its interval."""
        return estimate({"": values}, self.bounds).as_json()

    def row(self, name: str, counts: Sequence[int], unit: Bounds | None) -> dict[str, Any]:
        arms, usd = self.arms[name], self.usd
        curves = [[(one.samples, self.own(one)) for one in arm.points] for arm in arms]
        paid = [[(one.usd or 0.0, self.own(one)) for one in arm.points] for arm in arms]
        places = {*counts, *(self.most * part // _CURVE_PARTS for part in range(_CURVE_PARTS + 1))}
        best = {
            place: self.mean([value_at(curve, place) for curve in curves])
            for place in sorted(places)
        }
        return {
            "improver": name,
            "area": self.mean([area_under(curve, self.most) for curve in curves]),
            "normalised": estimate({"": self.areas(name)}, unit).as_json(),
            "area_usd": (
                None if usd is None else self.mean([area_under(curve, usd) for curve in paid])
            ),
            "best": [{"samples": count, **best[count]} for count in counts],
            "curve": [{"samples": place, **found} for place, found in best.items()],
            **{
                what: statistics.fmean(getattr(arm, what) for arm in arms)
                for what in ("samples", "scorings", "edited")
            },
        }


def bench_result(run: RecordedRun) -> dict[str, Any] | None:
    """Of the seeds on which all improvers were measured on all tasks; None if there is none."""
    config = run.head.config
    ids = {name: content_id(config["programs"][name]) for name in config["improvers"]}
    arms = {
        (arm.task, arm.improver, arm.index): arm for arm in latest(run.events, BenchArm).values()
    }
    told = run.head.tasks
    whole = [
        index
        for index in range(config["seeds"])
        if all((task.name, one, index) in arms for task in told for one in ids.values())
    ]
    if not whole:
        return None
    counts = sorted(set(config["samples"]))
    tasks = [
        TaskArms(
            task,
            {name: [arms[task.name, one, index] for index in whole] for name, one in ids.items()},
            counts[-1],
            run.head.bounds(task),
        )
        for task in told
    ]
    return {
        "samples": counts,
        "seeds": len(whole),
        "seeds_asked": config["seeds"],
        "improvers": [{"name": name, "improver_id": one} for name, one in ids.items()],
        **compared(tasks, [*ids], counts, run.head.unit),
    }


def compared(
    tasks: Sequence[TaskArms], names: Sequence[str], counts: Sequence[int], unit: Bounds | None
) -> dict[str, Any]:
    """Curves and areas of each, and what each is ahead of the first.

    Args:
        unit: bounds of normalised values, as far as intervals know of them.
    """
    return {
        "tasks": [
            {
                "task": task.told.name,
                **({"minimize": True} if task.told.minimize else {}),
                "usd": task.usd,
                "improvers": [task.row(name, counts, unit) for name in names],
            }
            for task in tasks
        ],
        "comparisons": [*_comparisons(tasks, names)],
    }


def _comparisons(tasks: Sequence[TaskArms], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Each improver minus the first: over all tasks, where there are several, and on each.

    The p-values of all of them together are corrected after Holm.
    """
    areas = {(task.told.name, name): task.areas(name) for task in tasks for name in names}
    listed = [task.told.name for task in tasks]
    wholes: list[tuple[str | None, list[str]]] = [(None, listed)] if len(tasks) > 1 else []
    found = {
        (task_name, name): _compared(
            {one: areas[one, name] for one in of}, {one: areas[one, names[0]] for one in of}
        )
        for task_name, of in [*wholes, *((name, [name]) for name in listed)]
        for name in names[1:]
    }
    corrected = holm({key: one["p_value"] for key, one in found.items()})
    for (task_name, name), one in found.items():
        p = corrected[task_name, name]
        verdict = _verdict(one["mean"], p)
        yield {"task": task_name, "improver": name, **one, "p_holm": p, "verdict": verdict}


def _compared(
    first: Mapping[str, Sequence[float]], second: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """An interval that goes with p: plain Student's t, and none where there is nothing to vary."""
    differences = {
        task: [0.0 if a == b else a - b for a, b in zip(values, second[task], strict=True)]
        for task, values in first.items()
    }
    of_seeds = [statistics.fmean(ones) for ones in zip(*differences.values(), strict=True)]
    return {
        **paired_difference(first, second).as_json(),
        **({"ci95": None} if are_alike(differences) else {}),
        "sd": statistics.stdev(of_seeds) if len(of_seeds) > 1 else None,
        "p_value": two_sided_p(differences),
    }


def _verdict(mean: float, p_holm: float) -> str:
    if p_holm >= ERROR_RATE:
        return "no difference shown"
    return "higher" if mean > 0 else "lower"
