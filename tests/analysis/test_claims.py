"""Claims over runs: the run is the unit; what varies, what it took, and how many runs it takes."""

from __future__ import annotations

import asyncio
import importlib.util
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from handmade_journal import BETTER_ID, SEED_ID, TASK, invocation, iteration, run_body, usage

from journal_support import put
from selftaught.analysis.claims import VERSUS, Taken, Worst, claims_of, expected, told_runs
from selftaught.analysis.run_head import RunHead
from selftaught.core.independent_runs import (
    Components,
    half_width,
    mean_over_tasks,
    runs_needed,
    variance_components,
)
from selftaught.core.statistics import estimate
from selftaught.journal.journal import open_journal
from selftaught.journal.port import Journal
from selftaught.journal.reader import JournalReader, open_reader

ROOT = Path(__file__).parents[2]

# --- what varies --------------------------------------------------------------------------------


def test_components_are_those_of_the_analysis_of_variance() -> None:
    """Of a table that is small enough to do by hand: two runs, two tasks, two observations."""
    runs = [{"a": [1.0, 3.0], "b": [2.0, 4.0]}, {"a": [5.0, 7.0], "b": [4.0, 10.0]}]
    found = variance_components(runs)
    # Means 2, 3 | 6, 7; of runs 2.5 and 6.5. Within: (2 + 2 + 2 + 18) / 4.
    assert found.within == pytest.approx(6.0)
    assert found.task_run == pytest.approx(0.0 - 6.0 / 2)
    assert found.run == pytest.approx(8.0 - (-3.0 + 3.0) / 2)


def drawn(
    rng: np.random.Generator, deviations: Sequence[float], counts: Sequence[Sequence[int]]
) -> list[dict[str, list[float]]]:
    """Runs of normal components, with a mean of its own for each task."""
    run, task_run, within = deviations
    found = []
    for row in counts:
        of_run = rng.normal(0, run)
        cells = [(k + of_run + rng.normal(0, task_run), n) for k, n in enumerate(row)]
        found.append({str(k): rng.normal(m, within, n).tolist() for k, (m, n) in enumerate(cells)})
    return found


@pytest.mark.parametrize("counts", [[[4, 4, 4]] * 4, [[2, 6, 3], [5, 2, 2], [1, 4, 7], [3, 3, 3]]])
def test_components_are_unbiased_also_where_counts_differ(counts: list[list[int]]) -> None:
    rng = np.random.default_rng(3)
    found = [variance_components(drawn(rng, (0.5, 1.0, 2.0), counts)) for _ in range(4000)]
    for name, truth in (("run", 0.25), ("task_run", 1.0), ("within", 4.0)):
        values = np.array([getattr(one, name) for one in found])
        error = values.std() / math.sqrt(len(values))
        assert abs(values.mean() - truth) < 3 * error, name


@pytest.mark.parametrize("shape", [(5, 3, 4), (5, 1, 4), (5, 3, 1), (5, 1, 1)])
def test_together_they_come_to_the_variance_of_the_runs_means(shape: tuple[int, int, int]) -> None:
    values = np.random.default_rng(4).normal(size=shape)
    values += 5 * values.mean(axis=(1, 2), keepdims=True)
    runs = [{str(k): row.tolist() for k, row in enumerate(run)} for run in values]
    _, tasks, observations = shape
    variance = variance_components(runs).of_a_run(tasks, observations)
    assert variance == pytest.approx(values.mean(axis=(1, 2)).var(ddof=1))


def test_components_need_two_runs_of_the_same_tasks() -> None:
    one = {"a": [1.0, 2.0]}
    for runs in ([], [one], [one, {"b": [1.0, 2.0]}]):
        with pytest.raises(ValueError, match="two runs of the same tasks"):
            variance_components(runs)


# --- how many runs it takes -----------------------------------------------------------------------


def test_the_width_to_be_expected_is_that_of_the_interval_over_runs() -> None:
    values = [0.1, 0.5, 0.2, 0.9, 0.3]
    low, high = estimate({"": values}).ci95 or (0.0, 0.0)
    assert half_width(float(np.var(values, ddof=1)), 5) == pytest.approx((high - low) / 2)


def test_the_runs_needed_are_the_fewest() -> None:
    needed = runs_needed(0.05**2, 0.02)
    assert needed is not None
    assert half_width(0.05**2, needed) <= 0.02 < half_width(0.05**2, needed - 1)
    assert runs_needed(1.0, 0.001) is None
    assert runs_needed(0.0, 0.001) == 2


# --- coverage -------------------------------------------------------------------------------------

# As measured on runs of the default tasks (docs/recursion.md), rounded.
MEASURED = Components(run=0.0008, task_run=0.0015, within=0.030)


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("way", ["normal", "resampled"])
def test_an_interval_over_runs_holds_the_truth_as_often_as_it_says_and_one_within_a_run_does_not(
    way: str,
) -> None:
    coverage = benchmark("coverage")
    if way == "normal":
        truth, values = 0.02, coverage.normal(MEASURED, 0.02, (1000, 20, 3, 10))
    else:
        made = coverage.normal(MEASURED, 0.02, (1, 20, 3, 10))[0]
        runs = [{str(k): row.tolist() for k, row in enumerate(run)} for run in made]
        truth = math.fsum(map(mean_over_tasks, runs)) / len(runs)
        values = coverage.resampled(runs, 1000, 20)
    found = coverage.coverage(values, truth)
    # Of 1,000 experiments: three standard errors of a binomial share.
    error = 3 * math.sqrt(0.95 * 0.05 / 1000)
    assert abs(found["t over runs"] - 0.95) <= error
    assert abs(found["bootstrap"] - 0.93) <= error
    assert found["within a run"] < 0.90
    assert found["of the next"] < 0.80


# --- of a journal ---------------------------------------------------------------------------------

# By run: on test the final improver, the seed improver, and it restarted.
FINAL = ((0.7, 0.9), (0.5, 0.7), (0.6, 0.6))
SEED = ((0.5, 0.5), (0.5, 0.3), (0.7, 0.7))
RESTARTED = ((0.7, 0.7), (0.6, 0.8), None)
DRAWN, RESTARTS = {SEED_ID: (6, 7), BETTER_ID: (20, 25)}, ((6, 7), (6, 7), (6, 4), (2, 2))


def write_run(journal: Journal, index: int, **changes: Any) -> None:
    run_id = f"20261123-0455-000{index}"

    def append(kind: str, key: str, body: Mapping[str, Any]) -> None:
        put(journal, run_id, kind, key, dict(body))

    def took(key: str, role: str, improver: str, repeat: str, amount: tuple[int, int]) -> None:
        append("invocation", key, invocation(role, improver) | {"repeat": repeat})
        end = {"outcome": "returned", "detail": "", "program": None, "cpu_s": 0.1}
        used = {"usage": usage(samples=amount[0]), "utility_uses": amount[1]}
        append("invocation_end", key, end | used)

    def measured(kind: str, key: str, body: Mapping[str, Any], values: Sequence[float]) -> None:
        found = {"mean": sum(values) / 2, "ci95": None, "n": 2, "values": {TASK["name"]: values}}
        append(kind, key, {**body, **found})

    append("run", run_id, run_body("run", seed=10 + index) | changes)
    for improver, amount in DRAWN.items():
        for repeat in ("test-0", "test-1", "val-0"):
            took(f"{improver}/{repeat}", "inner", improver, repeat, amount)
    append("iteration", "0", iteration(0, SEED_ID, 0.5))
    append("iteration", "1", iteration(1, BETTER_ID, 0.7))
    for improver, values in ((SEED_ID, SEED), (BETTER_ID, FINAL)):
        of = {"improver": improver, "stream": "test"}
        measured("meta_evaluation", improver, of, values[index])
    restarted = RESTARTED[index]
    if restarted is not None:
        for place, amount in enumerate(RESTARTS):
            for repeat in ("test-0", "test-1"):
                took(f"r{place}/{repeat}", "restart", SEED_ID, repeat, amount)
        counts = {TASK["name"]: [20, 20]}
        whose: dict[str, Any] = {"name": "seed", "improver": SEED_ID, "final": BETTER_ID}
        body = whose | {"bounds": {}, "programs": {}, "samples": counts, "final_samples": counts}
        measured("baseline", "seed", body, restarted)
    end = {"state": "done", "detail": "", "usage": usage(), "wall_s": 1.0}
    append("run_end", run_id, end)


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[JournalReader]:
    url = f"sqlite:///{tmp_path}/runs.db"

    async def write() -> None:
        journal = open_journal(url)
        for index in range(len(FINAL)):
            write_run(journal, index)
        await journal.aclose()

    asyncio.run(write())
    with open_reader(url) as reader:
        yield reader


def test_a_claim_is_over_the_means_of_the_runs(runs: JournalReader) -> None:
    found = claims_of([*told_runs(runs, sorted(runs.runs()))])
    limits, samples = (found[name] for name in VERSUS)
    assert limits is not None
    assert samples is not None
    over = estimate({"runs": [0.3, 0.2, -0.1]})
    assert limits.mean == pytest.approx(over.mean)
    assert limits.ci95 == pytest.approx(over.ci95)
    assert limits.n == 3
    assert limits.bootstrap95 == pytest.approx((-0.1, 0.3))
    assert limits.share_above == pytest.approx(2 / 3)
    assert limits.worst == Worst("20261123-0455-0002", 12, limits.worst.mean)
    assert limits.worst.mean == pytest.approx(-0.1)
    assert limits.components is not None
    assert limits.components.within == pytest.approx((0.02 + 0.08 + 0) / 3)
    # Of the two whose restarts the budget covered.
    assert samples.n == 2
    assert samples.mean == pytest.approx(0.0)


def test_samples_and_scorings_are_told_of_both_and_equal_samples_may_be_fewer_scorings(
    runs: JournalReader,
) -> None:
    limits, samples = claims_of([*told_runs(runs, runs.runs())]).values()
    assert limits is not None
    assert samples is not None
    assert (limits.samples, limits.scorings) == (Taken(20, 6), Taken(25, 7))
    assert (samples.samples, samples.scorings) == (Taken(20, 20), Taken(25, 20))


def test_a_single_run_is_no_claim_over_runs(runs: JournalReader) -> None:
    limits, _ = claims_of([*told_runs(runs, runs.runs()[:1])]).values()
    assert limits is not None
    assert (limits.ci95, limits.bootstrap95, limits.components, limits.n) == (None, None, None, 1)


def test_earlier_runs_of_the_same_tasks_say_how_narrow_a_claim_will_be(
    runs: JournalReader,
) -> None:
    def same(head: RunHead) -> bool:
        return (head.model, head.task_names) == ("local:mutator", (TASK["name"],))

    found = expected(runs, same, 2, 20)
    assert found is not None
    variance = float(np.var([0.3, 0.2, -0.1], ddof=1))
    assert found["earlier_runs"] == 3
    assert found["vs_seed"]["half_width"] == pytest.approx(half_width(variance, 20))
    assert found["vs_seed"]["needed"]["0.05"] == runs_needed(variance, 0.05)
    more = expected(runs, same, 20, 20)
    assert more is not None
    assert more["vs_seed"]["half_width"] < found["vs_seed"]["half_width"]
    assert expected(runs, lambda head: False, 2, 20) is None
