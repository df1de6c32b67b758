"""What comes back from a candidate is either a clean array or `bad_output`, and nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as h
from hypothesis.extra import numpy as hnp

import selftaught as st
from selftaught.tasks.bin_packing.task import task as bin_packing
from selftaught.tasks.checks import require_array, require_labels, require_permutation
from selftaught.tasks.descent.task import task as descent
from selftaught.tasks.flow_shop.task import task as flow_shop
from selftaught.tasks.local_cut.task import task as local_cut
from selftaught.tasks.parity_noise.task import task as parity_noise

Result = TypeVar("Result")

TASKS = (bin_packing, parity_noise, flow_shop, descent, local_cut)

NUMBERS = h.one_of(
    h.booleans(),
    h.integers(),
    h.integers(min_value=10**300, max_value=10**400),
    h.floats(),
    h.sampled_from([np.float32(1.0), np.int8(-1), np.bool_(True), np.array(0.5)]),
)
DTYPES = h.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="="),
    hnp.floating_dtypes(endianness="="),
    hnp.complex_number_dtypes(endianness="="),
)
SHAPES = h.one_of(
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
    h.sampled_from([(1,), (20,), (30,), (20, 1), (1, 20), (2, 16, 6), (16, 6), (30, 30)]),
)
ARRAYS = h.builds(lambda dtype, shape: (dtype, shape), DTYPES, SHAPES).flatmap(
    lambda both: hnp.arrays(dtype=both[0], shape=both[1])
)
ATOMS = h.one_of(h.none(), NUMBERS, h.text(max_size=30), h.binary(max_size=30), ARRAYS)
NESTED = h.recursive(
    ATOMS,
    lambda children: h.one_of(
        h.lists(children, max_size=6),
        h.tuples(children, children),
        h.dictionaries(h.text(max_size=5), children, max_size=4),
    ),
    max_leaves=12,
)
NEARLY_RIGHT = h.one_of(
    h.sampled_from([1, 20, 30]).flatmap(lambda n: h.lists(NUMBERS, min_size=n, max_size=n)),
    h.permutations(range(20)),
    h.lists(h.sampled_from([-1, 0, 1, 1.0, True]), min_size=20, max_size=30),
    hnp.arrays(dtype=np.float64, shape=h.sampled_from([(1,), (20,), (30,), (2, 16, 6)])),
    hnp.arrays(np.float64, (2, 16, 6), elements=h.floats(-1e100, 1e100)),
    h.tuples(hnp.arrays(np.float64, (16, 6)), h.one_of(ATOMS, hnp.arrays(np.float64, (16, 6)))),
)
WIRE_DATA = h.one_of(NESTED, NEARLY_RIGHT)


class Answers:
    """A candidate that gives one answer, whatever it is asked."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def __call__(self, *args: Any, cpu_s: float = 1.0) -> Any:
        return self._answer

    def map(
        self,
        inputs: Iterable[Any],
        *,
        cpu_s: float = 1.0,
        failures: Literal["raise", "return"] = "raise",
    ) -> list[Any]:
        return [self._answer for _ in inputs]


def result_or_failure(run: Callable[[], Result]) -> Result | st.Failed:
    """Any other exception, and any warning, is the test's failure."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return run()
    except st.ProgramFailed as error:
        return error.failure


@pytest.mark.parametrize(
    "task",
    [*TASKS[2:], *(pytest.param(task, marks=pytest.mark.slow) for task in TASKS[:2])],
    ids=lambda task: task.name,
)
def test_whatever_a_candidate_answers_is_a_score_within_the_range_or_bad_output(
    task: st.Task,
) -> None:
    @settings(max_examples=250, deadline=None)
    @given(WIRE_DATA)
    def answered(answer: object) -> None:
        measure = result_or_failure(lambda: task.utility(Answers(answer), np.random.default_rng(0)))
        if isinstance(measure, st.Failed):
            assert measure.kind == "bad_output"
            assert 0 < len(measure.detail) < 500
        else:
            assert isinstance(measure, st.Measure)
            assert task.range[0] <= measure.value <= task.range[1]

    answered()


@given(WIRE_DATA, h.sampled_from([(), (1,), (20,), (2, 3), (2, 16, 6), (0,)]))
@settings(deadline=None)
def test_an_array_that_passes_is_finite_and_of_just_the_shape_that_was_asked_for(
    value: object, shape: tuple[int, ...]
) -> None:
    array = result_or_failure(lambda: require_array(value, shape))
    if isinstance(array, st.Failed):
        assert array.kind == "bad_output"
    else:
        assert array.shape == shape
        assert array.dtype == np.float64
        assert np.isfinite(array).all()


@given(hnp.arrays(np.float64, (3, 2), elements=h.floats(-1e100, 1e100)))
def test_lists_tuples_and_arrays_of_the_same_numbers_pass_alike(array: np.ndarray) -> None:
    rows = array.tolist()
    for value in (array, rows, tuple(map(tuple, rows)), list(array), (array[0], rows[1], rows[2])):
        np.testing.assert_array_equal(require_array(value, (3, 2)), array)


def test_what_passes_is_a_copy() -> None:
    array = np.zeros(3)
    require_array(array, (3,))[0] = 1.0
    assert array[0] == 0.0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((3, 1)), r"must be numbers of shape \(3,\); found an array of shape \(3, 1\)"),
        (np.zeros(3, dtype=complex), "dtype complex128"),
        (np.array([None] * 3), "dtype object"),
        ([1.0, 2.0], "a list of length 2"),
        ([1.0, 2.0, "x" * 10_000], "a str of length 10000"),
        ([1.0, 2.0, None], "a value of type NoneType"),
        ([[1.0], [2.0], [3.0]], "a list of length 1"),
        ({0: 1.0, 1: 2.0, 2: 3.0}, "a dict of length 3"),
        (None, "a value of type NoneType"),
        ([1.0, 2.0, float("nan")], "not finite"),
        (np.array([1.0, 2.0, np.inf]), "not finite"),
        ([1, 2, 10**400], "not finite"),
        ([1, 2, 10**200], r"beyond 1e\+100"),
    ],
)
def test_a_refusal_says_what_came_back(value: object, message: str) -> None:
    with pytest.raises(st.ProgramFailed, match=message) as caught:
        require_array(value, (3,))
    assert caught.value.failure.kind == "bad_output"


def test_a_long_string_among_many_short_ones_is_not_made_an_array() -> None:
    hostile = ["x" * 10_000_000] + ["x"] * 1_000_000  # np.asarray would ask for 40 TB
    with pytest.raises(st.ProgramFailed, match="a list of length 1000001"):
        require_array(hostile, (20,))


@pytest.mark.parametrize("value", [[0, 1, 1], [0.0, 1.0, 1.0], [False, True, True]])
def test_labels_pass_as_integers_of_whatever_number_type_they_came(value: list[float]) -> None:
    for labels in (value, np.array(value)):
        passed = require_labels(labels, 3, (0, 1))
        assert passed.dtype == np.int64
        assert passed.tolist() == [0, 1, 1]


@pytest.mark.parametrize("value", [[0, 1, 2], [0, 1, 0.5], [0, 1, -1], [0, 1, 1 + 1e-9]])
def test_other_labels_are_refused(value: list[float]) -> None:
    with pytest.raises(st.ProgramFailed, match="entries other than 0, 1"):
        require_labels(value, 3, (0, 1))


@given(h.permutations(range(7)))
def test_every_permutation_passes(order: list[int]) -> None:
    assert require_permutation(order, 7).tolist() == order


@given(
    h.lists(h.integers(-8, 8), min_size=7, max_size=7).filter(lambda o: sorted(o) != [*range(7)])
)
def test_what_leaves_out_or_repeats_an_entry_is_no_permutation(order: list[int]) -> None:
    with pytest.raises(st.ProgramFailed, match=r"each of 0 \.\. 6 once"):
        require_permutation(order, 7)
