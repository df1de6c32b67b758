"""Means and intervals agree with scipy and with numbers worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from selftaught.core.statistics import (
    UNIT,
    Bounds,
    are_alike,
    clopper_pearson,
    estimate,
    paired_difference,
    student_t,
    two_sided_p,
)

samples = st.lists(st.floats(-100, 100), min_size=2, max_size=12)


@given(samples)
def test_one_task_has_students_interval(values: list[float]) -> None:
    found = estimate({"task": values})
    assert found.n == len(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9)
    spread = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    if spread > 1e-9:
        expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=spread)
        assert found.ci95 == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(freedom=st.floats(1, 1e5), beyond=st.floats(1e-9, 0.1))
def test_students_quantile_is_that_of_scipy(freedom: float, beyond: float) -> None:
    assert student_t(freedom, beyond) == pytest.approx(-stats.t.ppf(beyond, freedom), rel=1e-10)


@given(shift=st.floats(-3, 3), n=st.integers(2, 300), seed=st.integers(0, 99))
def test_the_p_value_of_a_mean_is_that_of_scipy(shift: float, n: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(shift, 1.0, n).tolist()
    expected = stats.ttest_1samp(values, 0.0).pvalue
    assert two_sided_p({"": values}) == pytest.approx(expected, rel=1e-9)


@given(left=samples, right=samples)
def test_a_p_value_below_a_twentieth_goes_with_an_interval_without_0(
    left: list[float], right: list[float]
) -> None:
    strata = {"a": left, "b": right}
    p, found = two_sided_p(strata), estimate(strata)
    assert found.ci95 is not None
    low, high = found.ci95
    if not are_alike(strata) and abs(p - 0.05) > 1e-9:
        assert (p < 0.05) == (not low <= 0 <= high)


def test_differences_that_are_all_the_same_are_tested_by_their_signs_alone() -> None:
    assert two_sided_p({"": [0.25] * 6}) == two_sided_p({"": [0.1] * 6}) == 2 / 2**6
    rounded = [0.1, 0.3 - 0.2, 0.6 - 0.5, 0.7 - 0.6, 0.9 - 0.8, 1.1 - 1.0]
    assert len(set(rounded)) > 2
    assert two_sided_p({"": rounded}) == 2 / 2**6
    assert two_sided_p({"": [value - 0.1 for value in rounded]}) == 1.0
    assert two_sided_p({"": [0.1, 0.1, 0.1, 0.2]}) == pytest.approx(0.0154, abs=1e-4)
    assert two_sided_p({"": [0.0] * 6}) == two_sided_p({"": [0.5]}) == 1.0


@given(samples, samples)
def test_the_difference_of_two_tasks_has_welchs_degrees_of_freedom(
    left: list[float], right: list[float]
) -> None:
    if min(np.std(left), np.std(right)) < 1e-3:
        return
    found = estimate({"left": left, "right": [-value for value in right]})
    welch = stats.ttest_ind(left, right, equal_var=False).confidence_interval(0.95)
    assert found.ci95 is not None
    assert [2 * end for end in found.ci95] == pytest.approx(list(welch), rel=1e-6, abs=1e-8)


def test_a_known_paired_difference() -> None:
    new = {"task": [0.60, 0.72, 0.55, 0.81, 0.66]}
    old = {"task": [0.52, 0.70, 0.57, 0.70, 0.61]}
    found = paired_difference(new, old)
    expected = stats.ttest_rel(new["task"], old["task"]).confidence_interval(0.95)
    assert found.mean == pytest.approx(0.048)
    assert found.ci95 == pytest.approx(tuple(expected))
    assert found.n == 5


def test_tasks_weigh_alike_however_often_they_were_run() -> None:
    assert estimate({"often": [1.0] * 10, "seldom": [0.0, 0.0]}).mean == 0.5


def test_one_observation_has_a_mean_and_no_interval() -> None:
    found = estimate({"a": [0.25], "b": [0.75, 0.25]})
    assert (found.mean, found.ci95, found.n) == (0.375, None, 3)


def test_equal_observations_have_an_interval_of_no_width() -> None:
    assert estimate({"a": [0.5, 0.5, 0.5]}).ci95 == (0.5, 0.5)


def test_no_observations_are_an_error() -> None:
    for strata in ({}, {"a": []}, {"a": [1.0], "b": []}):
        with pytest.raises(ValueError):
            estimate(strata)


def test_pairs_must_match() -> None:
    with pytest.raises(ValueError):
        paired_difference({"a": [1.0, 2.0]}, {"a": [1.0]})
    with pytest.raises(ValueError):
        paired_difference({"a": [1.0]}, {"b": [1.0]})


def test_the_order_of_the_tasks_does_not_matter() -> None:
    left = {"a": [1.0, 2.0, 4.0], "b": [0.0, 1.0]}
    right = {"b": [1.0, 1.0], "a": [0.5, 0.0, 3.0]}
    swapped = paired_difference(dict(reversed(left.items())), right)
    assert paired_difference(left, right).mean == swapped.mean


shares = st.lists(st.floats(0, 1), min_size=2, max_size=12)


@given(shares, st.floats(-50, 50), st.floats(0.01, 1000))
def test_an_interval_of_bounded_values_keeps_within_the_bounds(
    values: list[float], low: float, width: float
) -> None:
    bounds = Bounds(low, low + width)
    observed = [min(bounds[1], low + width * value) for value in values]
    known, plain = estimate({"": observed}, bounds), estimate({"": observed})
    assert (known.mean, known.n) == (plain.mean, plain.n) or known.ci95 is None
    if known.ci95 is None:
        assert set(observed) == {low}
        return
    rounding = 1e-9 * (abs(low) + width)
    assert low - rounding <= known.ci95[0] <= known.mean + rounding
    assert known.mean - rounding <= known.ci95[1] <= bounds[1] + rounding
    assert plain.ci95 is not None
    if known.ci95[0] < known.ci95[1] and low <= plain.ci95[0] < plain.ci95[1] <= bounds[1]:
        assert known.ci95 == plain.ci95


def test_the_interval_of_the_logit_is_as_worked_out_by_hand() -> None:
    values = [0.0, 0.0, 0.0, 0.0, 0.5]
    found = estimate({"": values}, UNIT)
    # Mean 0.1, standard error 0.1, t of 4 degrees 2.7764: half is 3.0849 on the logit's scale.
    logit, half = math.log(1 / 9), 2.7764451 * 0.1 / 0.09
    expected = [1 / (1 + math.exp(-(logit + sign * half))) for sign in (-1, 1)]
    assert found.ci95 == pytest.approx(expected, rel=1e-6)


def test_failures_alone_have_no_interval_and_no_difference_of_theirs_has() -> None:
    failed, other = {"a": [0.0, 0.0], "b": [0.0, 0.0]}, {"a": [0.0, 0.5], "b": [0.0, 0.0]}
    assert estimate(failed, UNIT).ci95 is None
    assert estimate(failed).ci95 == (0.0, 0.0)
    assert estimate(other, UNIT).ci95 is not None
    assert paired_difference(failed, failed, UNIT).ci95 is None
    assert paired_difference(other, failed, UNIT).ci95 is not None


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Clopper and Pearson of 4 of 4, and of 10 of 10.
        ([1.0] * 4, (0.3976, 1.0)),
        ([1.0] * 10, (0.6915, 1.0)),
        # Of 0.5: what is rare may be worth 0, or 1.
        ([0.5] * 4, (0.1988, 0.8012)),
    ],
)
def test_equal_values_within_bounds_do_not_make_a_mean_certain(
    values: list[float], expected: tuple[float, float]
) -> None:
    assert estimate({"": values}, UNIT).ci95 == pytest.approx(expected, abs=1e-4)
    assert estimate({"": [0.5] * 5}, UNIT).ci95 == (0.5, 0.5)
    # Runs of older versions have what they wrote down.
    assert estimate({"": values}, UNIT._replace(widens=False)).ci95 == (values[0], values[0])


def test_the_lowest_value_of_what_ran_has_an_interval() -> None:
    low, high = estimate({"": [0.0] * 4}, UNIT, lowest_fails=False).ci95 or (1, 0)
    assert (low, round(high, 4)) == (0.0, 0.6024)
    assert paired_difference({"": [0.0] * 4}, {"": [0.0] * 4}, UNIT, lowest_fails=False).ci95


def test_a_difference_of_bounded_values_keeps_within_their_width() -> None:
    new, old = {"": [1.0, 0.9, 1.0]}, {"": [0.0, 0.1, 0.9]}
    low, high = paired_difference(new, old, UNIT).ci95 or (0, 0)
    assert -1 <= low < 0 < high <= 1
    assert (paired_difference(new, old).ci95 or (0, 0))[1] > 1


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 10, 20])
@pytest.mark.parametrize(("a", "b"), [(0.5, 4.5), (9, 1), (1, 19), (1, 1)])
def test_knowing_the_bounds_never_lowers_the_coverage(n: int, a: float, b: float) -> None:
    rng = np.random.Generator(np.random.PCG64(7))
    drawn = rng.beta(a, b, size=(3000, n))
    truth = a / (a + b)

    def coverage(**how: Any) -> float:
        found = (estimate({"": list(map(float, row))}, **how).ci95 for row in drawn)
        return float(np.mean([ends is not None and ends[0] <= truth <= ends[1] for ends in found]))

    plain, known = coverage(), coverage(bounds=UNIT)
    # Of skewed values both miss some; where t would leave the bounds it misses more.
    assert known >= plain
    assert known >= 0.88


@pytest.mark.parametrize(("count", "n"), [(0, 1), (1, 1), (1, 2), (0, 20), (3, 20), (207, 1000)])
def test_the_interval_of_a_share_is_that_of_scipy(count: int, n: int) -> None:
    theirs = stats.binomtest(count, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(count, n) == pytest.approx(tuple(theirs), abs=1e-9)
