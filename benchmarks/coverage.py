"""Do intervals over runs hold what they claim to hold? Simulated experiments of our own making.

Each experiment is so many runs on the tasks, with improver runs on each, drawn in two ways: from
normal distributions with the variance components of the runs in a store, and from their values
themselves (whole runs with replacement, and within a run and a task its improver runs). What is
true is known then. Printed is the share of experiments whose 95 % interval holds it: over runs,
Student's t and the bootstrap; and for contrast the interval over the improver runs of one run, as
it was read before, of the mean over runs and of what the next run comes to.

    python benchmarks/coverage.py [--store URL] [--experiments 1000] [--repeats 20]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from selftaught.analysis.claims import VERSUS, run_differences, told_runs
from selftaught.analysis.run_head import read_head
from selftaught.core.independent_runs import (
    Components,
    Observed,
    bootstrap_mean,
    mean_over_tasks,
    variance_components,
)
from selftaught.core.statistics import Estimate, estimate
from selftaught.journal.reader import open_reader

Values: TypeAlias = NDArray[np.float64]  # (experiments, runs, tasks, improver runs)
METHODS = ("t over runs", "bootstrap", "within a run", "of the next")


def normal(components: Components, mean: float, shape: tuple[int, int, int, int]) -> Values:
    """Experiments with these components; one that was estimated below 0 is 0."""
    rng = np.random.default_rng(1)
    experiments, runs, tasks, _ = shape
    shapes = ((experiments, runs, 1, 1), (experiments, runs, tasks, 1), shape)
    variances = (components.run, components.task_run, components.within)
    drawn = (
        math.sqrt(max(0.0, variance)) * rng.standard_normal(one)
        for variance, one in zip(variances, shapes, strict=True)
    )
    return np.asarray(mean + sum(drawn), dtype=np.float64)


def resampled(observed: Sequence[Observed], experiments: int, runs: int) -> Values:
    """Experiments of runs that were made."""
    rng = np.random.default_rng(2)
    values = np.array([list(run.values()) for run in observed])
    chosen = rng.integers(0, len(values), size=(experiments, runs))
    place = rng.integers(0, values.shape[2], size=(*chosen.shape, *values.shape[1:]))
    return np.take_along_axis(values[chosen], place, axis=3)


def coverage(drawn: Values, truth: float) -> dict[str, float]:
    """By method, the share of the experiments whose interval holds what it is of."""
    held = dict.fromkeys(METHODS, 0)
    for runs in drawn:
        means = runs.mean(axis=(1, 2)).tolist()
        first = estimate({str(task): row.tolist() for task, row in enumerate(runs[0])})
        asked: Sequence[tuple[Estimate, float]] = (
            (estimate({"runs": means}), truth),
            (bootstrap_mean(means), truth),
            (first, truth),
            (first, means[1]),
        )
        for method, (found, of) in zip(METHODS, asked, strict=True):
            assert found.ci95 is not None
            held[method] += found.ci95[0] <= of <= found.ci95[1]
    return {method: count / len(drawn) for method, count in held.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--store", default="sqlite:///recursion.db")
    parser.add_argument("--experiments", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=20, help="runs of an experiment")
    options = parser.parse_args()
    with open_reader(options.store) as reader:
        heads = [read_head(reader, run_id) for run_id in reader.runs()]
        done = [one.run_id for one in heads if (one.command, one.state) == ("run", "done")]
        measured = [run_differences(run) for run in told_runs(reader, done)]
    error = 1.96 * math.sqrt(0.95 * 0.05 / options.experiments)
    print(
        f"{options.experiments} experiments of {options.repeats} runs each, by {len(measured)} "
        f"runs; what holds 95 % is within {100 * error:.1f} points of it"
    )
    width = 2 + max(map(len, METHODS))
    print(f"{'':<29}" + "".join(f"{method:>{width}}" for method in METHODS))
    for name in VERSUS:
        observed = [one[name].values for one in measured]
        mean = math.fsum(map(mean_over_tasks, observed)) / len(observed)
        tasks, improver_runs = len(observed[0]), len(next(iter(observed[0].values())))
        shape = (options.experiments, options.repeats, tasks, improver_runs)
        ways = {
            "normal": normal(variance_components(observed), mean, shape),
            "resampled": resampled(observed, *shape[:2]),
        }
        for way, drawn in ways.items():
            shares = "".join(f"{share:>{width}.1%}" for share in coverage(drawn, mean).values())
            print(f"{name:<18} {way:<10}{shares}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
