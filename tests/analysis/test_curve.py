"""The learning curve: means and intervals are what they say, from the journal alone."""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade_journal import BETTER_ID, SEED_ID, answer, invocation, iteration, run_body, usage

from journal_support import put
from selftaught.analysis.curve import COLUMNS, RUN, SERIES, bootstrap_mean, learning_curve
from selftaught.journal.journal import open_journal
from selftaught.journal.port import Journal
from selftaught.journal.reader import JournalReader, open_reader

SERIES_ID = "20261123-0455-3f9a"
# By run: test at t = 0, 1, 2; the last run was ended by the budget after t = 1.
TEST = ((0.50, 0.58, 0.71), (0.46, 0.46, 0.57), (0.53, 0.61, 0.60), (0.41, 0.52))
BASELINES = (0.55, 0.50, 0.62)  # greedy, of those that were measured
DRAWN = (6, 20)  # by the seed and by the better improver, in an improver run on test
ALONE = "20261124-1111-0001"


# --- the bootstrap ------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "low", "high"), [(5, 0.76, 0.91), (20, 0.88, 0.98)])
def test_the_bootstrap_interval_covers_the_true_mean_as_often_as_its_page_says(
    n: int, low: float, high: float
) -> None:
    rng = np.random.default_rng(1)
    intervals = [bootstrap_mean(rng.normal(3.0, 2.0, n).tolist()).ci95 for _ in range(200)]
    covered = sum(one is not None and one[0] <= 3.0 <= one[1] for one in intervals)
    assert low <= covered / 200 <= high


def test_the_bootstrap_is_near_the_exact_one_of_all_resamples() -> None:
    values = [0.1, 0.5, 0.2, 0.9, 0.3]
    means = [sum(one) / 5 for one in itertools.product(values, repeat=5)]
    low, high = np.quantile(means, [0.025, 0.975])
    found = bootstrap_mean(values)
    assert found.mean == pytest.approx(0.4)
    assert found.ci95 == pytest.approx((low, high), abs=0.02)
    assert found == bootstrap_mean(values)  # its generator is its own


def test_a_single_value_has_no_interval_and_equal_ones_have_none_to_speak_of() -> None:
    assert bootstrap_mean([0.5]).ci95 is None
    assert bootstrap_mean([0.5, 0.5, 0.5]).ci95 == (0.5, 0.5)
    with pytest.raises(ValueError, match="observations"):
        bootstrap_mean([])


# --- a series made by hand ----------------------------------------------------------------------


def write_run(journal: Journal, run_id: str, index: int, series: dict[str, Any] | None) -> None:
    """A run that drew 100 samples before t = 0 and 50 more a step, half of them in vain."""

    def append(kind: str, key: str, body: dict[str, Any]) -> None:
        put(journal, run_id, kind, key, body)

    head = run_body("run", seed=7 + index)
    append("run", run_id, head if series is None else head | {"series": series})
    for name, samples, improver in zip("ab", DRAWN, (SEED_ID, BETTER_ID), strict=True):
        for repeat in ("test-0", "test-1", "val-0"):
            key = f"{name}/{repeat}"
            append("invocation", key, invocation("inner", improver) | {"repeat": repeat})
            took = samples if repeat != "val-0" else 99
            end: dict[str, Any] = {"outcome": "returned", "detail": "", "program": None}
            append("invocation_end", key, end | {"usage": usage(samples=took)})
    steps = list(TEST[index])
    for t, mean in enumerate(steps):
        counted = {"requests": 1, "lm_calls": 1, "samples": 100 if t == 0 else 50}
        append("lm_answer", f"c{t}", answer("x", "answered", 0.0, **counted))
        append("lm_answer", f"d{t}", answer("x", "fault", 0.0, **counted))
        step = iteration(t, SEED_ID if t == 0 else BETTER_ID, mean)
        append("iteration", str(t), step | {"val": {"mean": mean - 0.02, "ci95": None, "n": 2}})
    if index < len(BASELINES):
        final = {"improver": BETTER_ID, "stream": "test", "mean": steps[-1], "ci95": None, "n": 2}
        values = [steps[-1] - 0.1, steps[-1] + 0.1]
        append("meta_evaluation", "m", final | {"values": {"bin_packing": values}})
        one = {"mean": BASELINES[index], "ci95": None, "n": 2}
        both = [BASELINES[index] - 0.05, BASELINES[index] + 0.05]
        append(
            "baseline",
            "g",
            {"name": "greedy", "improver": SEED_ID, "final": BETTER_ID, **one}
            | {"values": {"bin_packing": both}, "samples": {"bin_packing": [18, 20]}}
            | {"final_samples": {"bin_packing": [20, 20]}},
        )
    state = "done" if len(steps) == 3 else "budget"
    end = {"state": state, "detail": "", "usage": usage(), "wall_s": 1.0}
    append("run_end", run_id, end)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[JournalReader]:
    url = f"sqlite:///{tmp_path}/store.db"

    async def write() -> None:
        journal = open_journal(url)
        write_run(journal, ALONE, 0, None)
        for index in range(len(TEST)):
            run_id = SERIES_ID if index == 0 else f"{SERIES_ID}-{index}"
            place = {"id": SERIES_ID, "index": index, "of": 5, "usage": usage(), "wall_s": 0.0}
            write_run(journal, run_id, index, place)
        await journal.aclose()

    asyncio.run(write())
    with open_reader(url) as reader:
        yield reader


def test_each_point_is_the_mean_over_the_runs_that_reached_it(reader: JournalReader) -> None:
    curve = learning_curve(reader, f"{SERIES_ID}-2")
    assert (curve.series_id, curve.of, curve.interval) == (SERIES_ID, 5, SERIES)
    assert [run.seed for run in curve.runs] == [7, 8, 9, 10]
    for t, point in enumerate(curve.points):
        values = [run[t] for run in TEST if len(run) > t]
        assert (point.t, point.test.n) == (t, len(values))
        assert point.test.mean == pytest.approx(np.mean(values))
        assert point.val.mean == pytest.approx(np.mean(values) - 0.02)
        exact = [np.mean(one) for one in itertools.product(values, repeat=len(values))]
        bounds = np.quantile(exact, [0.025, 0.975], method="inverted_cdf")
        assert point.test.ci95 == pytest.approx(tuple(bounds), abs=0.01)
    assert [point.test.n for point in curve.points] == [4, 4, 3]


def test_gains_are_paired_by_run(reader: JournalReader) -> None:
    first, second, third = learning_curve(reader, SERIES_ID).points
    assert first.test_gain is None
    assert second.test_gain == bootstrap_mean([run[1] - run[0] for run in TEST])
    assert third.test_gain == bootstrap_mean([run[2] - run[0] for run in TEST[:3]])


def test_the_final_improvers_are_those_at_each_runs_own_end(reader: JournalReader) -> None:
    curve = learning_curve(reader, SERIES_ID)
    assert curve.final == bootstrap_mean([run[-1] for run in TEST])


def test_samples_are_those_that_came(reader: JournalReader) -> None:
    points = learning_curve(reader, SERIES_ID).points
    assert [point.samples_per_improver_run for point in points] == [6, 20, 20]
    assert [point.samples_so_far for point in points] == [100, 150, 200]


def test_baselines_are_paired_with_the_final_improver_of_their_run(reader: JournalReader) -> None:
    (greedy,) = learning_curve(reader, SERIES_ID).baselines
    assert greedy.name == "greedy"
    assert greedy.test == bootstrap_mean(BASELINES)
    differences = [run[-1] - one for run, one in zip(TEST, BASELINES, strict=False)]
    assert greedy.final_difference.mean == pytest.approx(np.mean(differences))
    assert greedy.final_difference.n == 3
    assert greedy.samples_per_improver_run == 19
    assert greedy.final_samples_per_improver_run == 20


def test_a_run_by_itself_has_the_intervals_within_it(reader: JournalReader) -> None:
    curve = learning_curve(reader, ALONE)
    assert (curve.series_id, curve.of, curve.interval) == (ALONE, 1, RUN)
    assert [point.test.mean for point in curve.points] == list(TEST[0])
    assert [point.test.n for point in curve.points] == [5, 5, 5]
    assert curve.points[0].test.ci95 == pytest.approx((0.4, 0.6))
    assert curve.final == curve.points[-1].test
    (greedy,) = curve.baselines
    # Two pairs: 0.71 - 0.1 - 0.50 and 0.71 + 0.1 - 0.60, and t of one degree of freedom.
    assert greedy.final_difference.mean == pytest.approx(0.16)
    assert greedy.final_difference.ci95 == pytest.approx((0.16 - 0.6353, 0.16 + 0.6353), abs=1e-4)


def test_rows_are_a_table_of_the_curve_and_of_each_run(reader: JournalReader) -> None:
    rows = learning_curve(reader, SERIES_ID).rows()
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    back = list(csv.DictReader(io.StringIO(out.getvalue())))
    of_curve = [row for row in back if row["scope"] == "curve"]
    assert len(of_curve) == 2 * 3 + 1
    assert len(back) == len(of_curve) + sum(2 * len(run) for run in TEST) + len(BASELINES)
    last = next(row for row in of_curve if (row["t"], row["stream"]) == ("2", "test"))
    assert float(last["mean"]) == pytest.approx(np.mean([run[2] for run in TEST[:3]]))
    assert (last["improver"], last["n"]) == ("STOP", "3")
    own = [row for row in back if row["run_id"] == f"{SERIES_ID}-1" and row["stream"] == "test"]
    assert [float(row["mean"]) for row in own] == [*TEST[1], BASELINES[1]]


def test_the_object_is_json(reader: JournalReader) -> None:
    shown = learning_curve(reader, SERIES_ID).as_json()
    assert json.loads(json.dumps(shown)) == shown
    assert [len(run["points"]) for run in shown["runs"]] == [3, 3, 3, 2]


def test_what_is_no_stop_run_has_no_curve(reader: JournalReader, tmp_path: Path) -> None:
    async def write() -> None:
        journal = open_journal(f"sqlite:///{tmp_path}/store.db")
        put(journal, "x", "run", "x", run_body("improve"))
        await journal.aclose()

    asyncio.run(write())
    with pytest.raises(LookupError, match="no STOP run"):
        learning_curve(reader, "x")
