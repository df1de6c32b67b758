"""The learning curve: meta-utility against t on val and test, with baselines at equal samples.

Over the runs of a series the mean is that of runs, and its interval a percentile bootstrap one
(`bootstrap_mean`). What is resampled are whole runs: a run's value at t is its mean over tasks and
improver runs, so the interval holds all that differs from one run to the next, the improvers that
were found, the model's luck and the instances. Of one run by itself, mean and interval are those
within the run (Student's t over improver runs): how well its improvers are known, and not what
another run would bring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.analysis.bootstrap import bootstrap_mean
from selftaught.analysis.measured_run import MeasuredBaseline, MeasuredRun, measured_run
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.run_head import RunHead
from selftaught.analysis.series import recorded_series
from selftaught.core.statistics import Estimate
from selftaught.journal.reader import JournalReader

SERIES, RUN = "bootstrap over runs", "Student's t within the run"
COLUMNS = (
    *("scope", "run_id", "seed", "improver", "t", "stream", "mean", "low", "high", "n"),
    *("samples_per_improver_run", "samples_so_far"),
)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The improver that stands after step t.

    Attributes:
        val, test: its meta-utility.
        test_gain: on test over the improver of t = 0, paired by run; None at t = 0, and of one run
            by itself, whose own comparison tells it.
        samples_per_improver_run: responses that it drew in an improver run on test; the mean.
        samples_so_far: responses that a whole run drew until this was measured; the mean.
    """

    t: int
    val: Estimate
    test: Estimate
    test_gain: Estimate | None
    samples_per_improver_run: float
    samples_so_far: float

    def as_json(self) -> dict[str, Any]:
        return {
            "t": self.t,
            "val": self.val.as_json(),
            "test": self.test.as_json(),
            "test_gain": None if self.test_gain is None else self.test_gain.as_json(),
            "samples_per_improver_run": self.samples_per_improver_run,
            "samples_so_far": self.samples_so_far,
        }


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of a series, or of a run by itself.

    Attributes:
        series_id: of the series, or the run's own id.
        of: how many runs there are to be.
        interval: what the intervals are: `SERIES` or `RUN`; n counts runs or improver runs.
        final: on test, the improvers that stand at the end; None while nothing is measured.
        points: by t; later ones are of fewer runs where a budget ended some.
        baselines: those that were measured in some run; means over the runs.
        runs: each run by itself, in order.
    """

    series_id: str
    of: int
    interval: str
    tasks: tuple[str, ...]
    model: str
    final: Estimate | None
    points: tuple[CurvePoint, ...]
    baselines: tuple[MeasuredBaseline, ...]
    runs: tuple[MeasuredRun, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "series_id": self.series_id,
            "of": self.of,
            "interval": self.interval,
            "tasks": list(self.tasks),
            "model": self.model,
            "final": None if self.final is None else self.final.as_json(),
            "points": [point.as_json() for point in self.points],
            "baselines": [baseline.as_json() for baseline in self.baselines],
            "runs": [run.as_json() for run in self.runs],
        }

    def rows(self) -> list[dict[str, Any]]:
        """For a table of `COLUMNS`: the curve and its baselines, then each run by itself.

        The improver of a row is STOP, where t counts, or a baseline's name.
        """
        rows = [*_rows("curve", {}, self.points, self.baselines)]
        if self.interval == SERIES:
            for run in self.runs:
                own = {"run_id": run.head.run_id, "seed": run.head.seed}
                rows += _rows("run", own, *_of_one(run))
        return rows


def learning_curve(reader: JournalReader, run_id: str) -> Curve:
    """The curve of the series that a run is of, as it stands now, or of the run by itself.

    Raises: LookupError if the store does not hold the run, or it is no STOP run.
    """
    return curve_of(recorded_series(reader, run_id))


def curve_of(runs: Sequence[RecordedRun]) -> Curve:
    """The curve of the runs of a series, or of one run by itself.

    Raises: LookupError if they are no STOP runs.
    """
    head = runs[0].head
    if head.command != "run":
        raise LookupError(f"run {head.run_id} is no STOP run: it has no learning curve")
    measured = tuple(map(measured_run, runs))
    if head.series is None:
        (run,) = measured
        points, baselines = _of_one(run)
        final = points[-1].test if points else None
        return _curve(head, head.run_id, 1, RUN, final, points, baselines, measured)
    finals = [run.steps[-1].test.mean for run in measured if run.steps]
    final = bootstrap_mean(finals) if finals else None
    place = (head.series.series_id, head.series.of)
    return _curve(head, *place, SERIES, final, _points(measured), _baselines(measured), measured)


def _curve(
    head: RunHead,
    series_id: str,
    of: int,
    interval: str,
    final: Estimate | None,
    points: Sequence[CurvePoint],
    baselines: Sequence[MeasuredBaseline],
    runs: tuple[MeasuredRun, ...],
) -> Curve:
    return Curve(
        *(series_id, of, interval, head.task_names, head.model, final),
        points=tuple(points),
        baselines=tuple(baselines),
        runs=runs,
    )


def _of_one(run: MeasuredRun) -> tuple[list[CurvePoint], list[MeasuredBaseline]]:
    """A run's own steps and baselines, with the intervals within it."""
    points = [
        CurvePoint(s.t, s.val, s.test, None, s.samples_per_improver_run, float(s.samples_so_far))
        for s in run.steps
    ]
    return points, list(run.baselines)


def _points(runs: Sequence[MeasuredRun]) -> list[CurvePoint]:
    last = max((len(run.steps) for run in runs), default=0)
    points = []
    for t in range(last):
        measured = [run for run in runs if len(run.steps) > t]
        steps = [run.steps[t] for run in measured]
        gains = [run.steps[t].test.mean - run.steps[0].test.mean for run in measured]
        points.append(
            CurvePoint(
                t=t,
                val=bootstrap_mean([step.val.mean for step in steps]),
                test=bootstrap_mean([step.test.mean for step in steps]),
                test_gain=bootstrap_mean(gains) if t else None,
                samples_per_improver_run=_mean([s.samples_per_improver_run for s in steps]),
                samples_so_far=_mean([float(step.samples_so_far) for step in steps]),
            )
        )
    return points


def _baselines(runs: Sequence[MeasuredRun]) -> list[MeasuredBaseline]:
    names = dict.fromkeys(one.name for run in runs for one in run.baselines)
    found = []
    for name in names:
        ones = [one for run in runs for one in run.baselines if one.name == name]
        found.append(
            MeasuredBaseline(
                name=name,
                improver_id=ones[0].improver_id,
                test=bootstrap_mean([one.test.mean for one in ones]),
                final_difference=bootstrap_mean([one.final_difference.mean for one in ones]),
                samples_per_improver_run=_mean([one.samples_per_improver_run for one in ones]),
                final_samples_per_improver_run=_mean(
                    [one.final_samples_per_improver_run for one in ones]
                ),
            )
        )
    return found


def _rows(
    scope: str,
    own: Mapping[str, Any],
    points: Sequence[CurvePoint],
    baselines: Sequence[MeasuredBaseline],
) -> list[dict[str, Any]]:
    empty: dict[str, Any] = dict.fromkeys(COLUMNS) | {"scope": scope} | dict(own)
    rows = []
    for point in points:
        for stream, estimate in (("val", point.val), ("test", point.test)):
            row = empty | _cells(estimate) | {"improver": "STOP", "t": point.t, "stream": stream}
            row["samples_per_improver_run"] = point.samples_per_improver_run
            row["samples_so_far"] = point.samples_so_far
            rows.append(row)
    for baseline in baselines:
        row = empty | _cells(baseline.test) | {"improver": baseline.name, "stream": "test"}
        row["samples_per_improver_run"] = baseline.samples_per_improver_run
        rows.append(row)
    return rows


def _cells(estimate: Estimate) -> dict[str, Any]:
    low, high = estimate.ci95 or (None, None)
    return {"mean": estimate.mean, "low": low, "high": high, "n": estimate.n}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
