"""Several models in one table: gains, and the share of runs that gain 3 % at least."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from selftaught.analysis.curve import SERIES, Curve
from selftaught.analysis.measured_run import MeasuredRun, Point
from selftaught.core.statistics import Estimate
from selftaught.pages.terminal import as_text
from selftaught.studies.stop.models_page import side_by_side, side_by_side_page


def series(model: str, *runs: list[float], tasks: tuple[str, ...] = ("parity_noise",)) -> Curve:
    """Runs that are worth so much on test after each step."""
    measured = tuple(
        MeasuredRun(
            f"{model}-{place}",
            place,
            "done",
            tuple(
                Point(t, Estimate(0.0, None, 1), Estimate(test, None, 1), 6.0, 6.0)
                for t, test in enumerate(tests)
            ),
            (),
        )
        for place, tests in enumerate(runs)
    )
    return Curve(f"{model}-0", len(runs), SERIES, tasks, model, None, (), (), measured)


GAINING = series("m:large", [0.5, 0.52, 0.6], [0.5, 0.5, 0.532], [0.5, 0.6, 0.52])
FALLING = series("m:small", [0.5, 0.6, 0.4], [0.5, 0.5, 0.5], [0.5])


def test_a_run_counts_by_its_last_step_and_one_that_took_none_does_not() -> None:
    large, small = side_by_side([GAINING, FALLING])["series"]
    assert (large["gained"]["count"], large["gained"]["n"]) == (2, 3)
    assert (small["gained"]["count"], small["gained"]["n"]) == (0, 2)
    gains = [0.1, 0.032, 0.02]
    interval = stats.ttest_1samp(gains, 0).confidence_interval(0.95)
    assert large["gain"]["mean"] == pytest.approx(math.fsum(gains) / 3)
    assert large["gain"]["ci95"] == pytest.approx([interval.low, interval.high])
    assert small["gain"]["mean"] == pytest.approx(-0.05)


def test_what_the_paper_reports_of_gpt_3_5_stands_below() -> None:
    page = as_text(side_by_side_page(side_by_side([GAINING, FALLING])))
    lines = page.splitlines()
    assert max(map(len, lines)) <= 80
    assert "12 %" in next(line for line in lines if line.startswith("GPT-3.5"))
    assert "no comparison of models" not in page


@pytest.mark.parametrize(
    "other",
    [series("m:other", [0.5, 0.6]), series("m:x", [0.5, 0.5, 0.6], tasks=("maxcut",))],
    ids=["steps", "tasks"],
)
def test_what_is_not_alike_is_said(other: Curve) -> None:
    page = as_text(side_by_side_page(side_by_side([GAINING, other])))
    assert "Not of the same tasks and steps" in page


def test_a_series_that_took_no_step_has_no_share() -> None:
    found = side_by_side([series("m:new", [0.5])])
    assert (found["series"][0]["gain"], found["series"][0]["gained"]["rate"]) == (None, None)
    row = next(one for one in as_text(side_by_side_page(found)).splitlines() if "m:new" in one)
    assert row.split()[-4:] == ["parity_noise", "0", "-", "-"]
