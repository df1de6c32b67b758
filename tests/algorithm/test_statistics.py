"""Means and intervals agree with scipy and with numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from selftaught.core.statistics import estimate, paired_difference

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
