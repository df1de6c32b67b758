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
from dataclasses import dataclass, field
from typing import Any

from selftaught.analysis.claims import Claim, claims_of
from selftaught.analysis.measured_run import (
    MeasuredBaseline,
    MeasuredRun,
    Point,
    mean,
    measured_run,
)
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.series import recorded_series
from selftaught.core.independent_runs import bootstrap_mean
from selftaught.core.statistics import Estimate
from selftaught.journal.codec import as_json
from selftaught.journal.reader import JournalReader

SERIES, RUN = "bootstrap over runs", "Student's t within the run"
COLUMNS = (
    *("scope", "run_id", "seed", "improver", "t", "stream", "mean", "low", "high", "n"),
    *("samples_per_improver_run", "samples_so_far"),
)


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of a series, or of a run by itself.

    Attributes:
        series_id: of the series, or the run's own id.
        interval: what the intervals are: `SERIES` or `RUN`; n counts runs or improver runs.
        final: on test, the improvers that stand at the end; None while nothing is measured.
        points: by t; later ones are of fewer runs where a budget ended some.
        baselines: those that were measured in some run; means over the runs.
        claims: of a series, what its final improvers show (`claims_of`).
    """

    series_id: str
    of: int
    interval: str
    tasks: tuple[str, ...]
    model: str
    final: Estimate | None
    points: tuple[Point, ...]
    baselines: tuple[MeasuredBaseline, ...]
    runs: tuple[MeasuredRun, ...]
    claims: Mapping[str, Claim | None] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return as_json(self)

    def rows(self) -> list[dict[str, Any]]:
        """For a table of `COLUMNS`: the curve and its baselines, then each run by itself.

        The improver of a row is STOP, where t counts, or a baseline's name.
        """
        rows = [*_rows("curve", {}, self.points, self.baselines)]
        if self.interval == SERIES:
            for run in self.runs:
                own = {"run_id": run.run_id, "seed": run.seed}
                rows += _rows("run", own, run.points, run.baselines)
        return rows


def learning_curve(reader: JournalReader, run_id: str) -> Curve:
    """The curve of the series that a run is of, as it stands now, or of the run by itself.

    Raises: LookupError if the store does not hold the run, or it is no STOP run.
    """
    return curve_of(recorded_series(reader, run_id))


def curve_of(runs: Sequence[RecordedRun], *, alone: bool = False) -> Curve:
    """The curve of the runs of a series, or of one run by itself.

    Args:
        alone: one run by itself, though it may be of a series.
    Raises: LookupError if they are no STOP runs.
    """
    head = runs[0].head
    if head.command != "run":
        raise LookupError(f"run {head.run_id} is no STOP run: it has no learning curve")
    measured = tuple(map(measured_run, runs))
    finals = [run.points[-1].test for run in measured if run.points]
    series, tasks = head.series, head.task_names
    if series is None or alone:
        (run,) = measured
        final = finals[0] if finals else None
        place = (head.run_id, 1, RUN, tasks, head.model)
        return Curve(*place, final, run.points, run.baselines, measured)
    names = dict.fromkeys(one.name for run in measured for one in run.baselines)
    baselines = (
        _over_runs([one for run in measured for one in run.baselines if one.name == name])
        for name in names
    )
    place = (series.series_id, series.of, SERIES, tasks, head.model)
    final = _over(finals) if finals else None
    over = _points(measured), tuple(baselines), measured
    return Curve(*place, final, *over, claims_of(runs))


def _points(runs: Sequence[MeasuredRun]) -> tuple[Point, ...]:
    points = []
    for t in range(max(len(run.points) for run in runs)):
        reached = [run.points for run in runs if len(run.points) > t]
        at = [of_run[t] for of_run in reached]
        gains = [of_run[t].test.mean - of_run[0].test.mean for of_run in reached]
        points.append(
            Point(
                t,
                _over([one.val for one in at]),
                _over([one.test for one in at]),
                mean([one.samples_per_improver_run for one in at]),
                mean([one.samples_so_far for one in at]),
                bootstrap_mean(gains) if t else None,
            )
        )
    return tuple(points)


def _over_runs(ones: Sequence[MeasuredBaseline]) -> MeasuredBaseline:
    """A baseline over the runs that measured it."""
    return MeasuredBaseline(
        ones[0].name,
        ones[0].improver_id,
        _over([one.test for one in ones]),
        _over([one.final_difference for one in ones]),
        mean([one.samples_per_improver_run for one in ones]),
        mean([one.final_samples_per_improver_run for one in ones]),
    )


def _over(ones: Sequence[Estimate]) -> Estimate:
    return bootstrap_mean([one.mean for one in ones])


def _rows(
    scope: str,
    own: Mapping[str, Any],
    points: Sequence[Point],
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
