"""Tasks with published records fulfil the contract of a task, and verify to the last bit."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from good_programs import known_good
from hypothesis import given
from hypothesis import strategies as some

from selftaught.core.task import ProgramFailed
from selftaught.tasks.autocorrelation import task as autocorrelation
from selftaught.tasks.cap_set import task as cap_set
from selftaught.tasks.circle_packing import task as circle_packing
from selftaught.tasks.descent import task as descent
from selftaught.tasks.heilbronn_triangle import task as heilbronn
from selftaught.tasks.online_bin_packing import task as online_bin_packing
from selftaught.testing.task_conformance import Scorer, TaskConformance


class TestCirclePacking(TaskConformance):
    task = circle_packing.task
    known_good = (known_good("circle_packing"), 2.624196)
    one_instance = True


class TestHeilbronnTriangle(TaskConformance):
    task = heilbronn.task
    known_good = (known_good("heilbronn_triangle"), 0.03652988)
    one_instance = True


class TestAutocorrelation(TaskConformance):
    task = autocorrelation.task
    known_good = (known_good("autocorrelation"), 1 / 1.519523)
    one_instance = True


class TestCapSet(TaskConformance):
    task = cap_set.task
    known_good = (known_good("cap_set"), 512.0)
    one_instance = True


class TestBinPackingWeibull(TaskConformance):
    task = online_bin_packing.weibull
    known_good = (known_good("bin_packing_weibull"), 0.9688)


class TestBinPackingOr(TaskConformance):
    task = online_bin_packing.or_library
    known_good = (known_good("bin_packing_or"), 0.9671)


def test_the_number_of_instances_that_a_task_is_said_to_have_is_tested(score: Scorer) -> None:
    class SaidToHaveOne(TaskConformance):
        task = descent.task
        one_instance = True

    class SaidToHaveMany(TaskConformance):
        task = circle_packing.task

    for said in (SaidToHaveOne(), SaidToHaveMany()):
        with pytest.raises(AssertionError):
            said.test_streams_and_seeds_give_other_instances(score)


def reply(source: str, *args: object) -> Any:
    """What a trusted program returns, run right here."""
    names: dict[str, Any] = {}
    exec(source, names)
    return names["algorithm"](*args)


# --- circle packing -------------------------------------------------------------------------------


def is_packing(*circles: tuple[float, float, float]) -> bool:
    try:
        circle_packing.require_packing(np.array(circles))
    except ProgramFailed:
        return False
    return True


def test_circles_may_touch_each_other_and_the_sides() -> None:
    assert is_packing((0.25, 0.25, 0.25), (0.75, 0.25, 0.25), (0.25, 0.75, 0.25))
    assert is_packing((0.5, 0.5, 0.5))
    # 3/16 beside and 4/16 above each other, and so 5/16 apart.
    assert is_packing((0.25, 0.25, 0.1875), (0.4375, 0.5, 0.125))


def test_an_overlap_in_the_last_bit_is_refused() -> None:
    more, less = math.nextafter(0.25, 1.0), math.nextafter(0.25, 0.0)
    assert not is_packing((0.25, 0.25, 0.25), (0.75, 0.5, more))
    assert not is_packing((0.25, 0.25, 0.25), (math.nextafter(0.75, 0.0), 0.25, 0.25))
    assert is_packing((0.25, 0.25, 0.25), (0.75, 0.25, less))
    # In floats the distance is just the sum of the radii.
    distance, rest = math.hypot(0.38 - 0.54, 0.38 - 0.49), 0.09716487838947602
    assert distance == 0.097 + rest
    assert not is_packing((0.38, 0.38, 0.097), (0.54, 0.49, rest))


def test_a_circle_that_sticks_out_by_the_last_bit_is_refused() -> None:
    assert not is_packing((0.25, 0.5, math.nextafter(0.25, 1.0)))
    assert not is_packing((0.5, 0.75, math.nextafter(0.25, 1.0)))
    # 1 - r rounds to 0.9, so that floats see no difference.
    x, r = 0.9, 0.1
    assert 1 - r == x
    assert Fraction(x) + Fraction(r) > 1
    assert not is_packing((x, 0.5, r))


def test_an_overlap_whose_square_vanishes_in_floats_is_refused() -> None:
    tiny = 1e-200
    assert not is_packing((0.5, 0.5, tiny), (0.5, 0.5, tiny))
    assert is_packing((0.5, 0.5, 0.0), (0.5, 0.5, 0.0))


def test_a_message_names_the_circles_that_overlap_most_and_by_how_much() -> None:
    circles = [(0.1, 0.1, 0.1), (0.5, 0.5, 0.2), (0.9, 0.5, 0.1), (0.5, 0.75, 0.06)]
    circles[2] = (0.75, 0.5, 0.1)
    with pytest.raises(ProgramFailed) as caught:
        circle_packing.require_packing(np.array(circles))
    assert caught.value.failure.detail == "circles 1 and 2 overlap by 0.05, the most of 2 pairs"


def test_a_negative_radius_is_refused() -> None:
    assert not is_packing((0.5, 0.5, -1e-300))


@given(some.lists(some.tuples(*[some.integers(0, 16)] * 3), min_size=1, max_size=4))
def test_packings_are_told_as_by_integers(eighths: list[tuple[int, int, int]]) -> None:
    inside = all(r <= min(x, y) and max(x, y) + r <= 16 for x, y, r in eighths)
    apart = all(
        (x - u) ** 2 + (y - v) ** 2 >= (r + s) ** 2
        for (x, y, r), (u, v, s) in combinations(eighths, 2)
    )
    assert is_packing(*[(x / 16, y / 16, r / 16) for x, y, r in eighths]) == (inside and apart)


# --- Heilbronn ------------------------------------------------------------------------------------


def smallest(*points: tuple[float, float]) -> Fraction:
    return heilbronn.smallest_area(np.array(points))


def test_the_triangle_around_has_area_one() -> None:
    assert smallest((0, 0), (1, 0), (0, 1)) == 1


def test_points_on_a_line_or_in_one_place_give_0() -> None:
    assert smallest((0.125, 0.125), (0.25, 0.25), (0.375, 0.375), (0, 0.5)) == 0
    assert smallest((0.25, 0.5), (0.25, 0.5), (0.1, 0.3)) == 0


def test_points_that_are_off_a_line_by_the_last_bit_do_not_give_0() -> None:
    x = math.nextafter(0.3, 1.0)
    assert 0 < smallest((0.1, 0.1), (0.2, 0.2), (x, 0.3)) < 1e-15


def test_a_point_beyond_the_long_side_by_the_last_bit_is_refused() -> None:
    x, y = 0.9, math.nextafter(0.1, 1.0)
    assert x + y == 1.0
    for point in [(x, y), (-1e-300, 0.5), (0.5, math.nextafter(0.5, 1.0))]:
        with pytest.raises(ProgramFailed, match="not in the triangle"):
            smallest((0, 0), (0.5, 0.1), point)


@given(some.lists(some.tuples(some.integers(0, 8), some.integers(0, 8)), min_size=3, max_size=6))
def test_the_smallest_area_is_that_of_all_triples(places: list[tuple[int, int]]) -> None:
    places = [(x, y) if x + y <= 8 else (8 - x, 8 - y) for x, y in places]
    determinants = [
        abs(round(np.linalg.det([[1, *a], [1, *b], [1, *c]])))
        for a, b, c in combinations(places, 3)
    ]
    assert smallest(*[(x / 8, y / 8) for x, y in places]) == Fraction(min(determinants), 64)


# --- autocorrelation ------------------------------------------------------------------------------


def c1(*heights: float) -> Fraction:
    return autocorrelation.autocorrelation_constant(np.array(heights, dtype=np.float64))


def highest_value_over_squared_integral(heights: Sequence[float]) -> Fraction:
    """The same from the definition: overlaps of intervals, at each point where slopes change."""
    n = len(heights)
    exact = [Fraction(height) for height in heights]
    starts = [Fraction(-1, 4) + Fraction(k, 2 * n) for k in range(n)]
    step = Fraction(1, 2 * n)

    def autoconvolution(t: Fraction) -> Fraction:
        value = Fraction(0)
        for (x, a), (y, b) in product(zip(starts, exact, strict=True), repeat=2):
            # f(t - s) is b for s from t - y - step to t - y.
            overlap = min(x + step, t - y) - max(x, t - y - step)
            value += a * b * max(Fraction(0), overlap)
        return value

    knots = [Fraction(-1, 2) + k * step for k in range(2 * n + 1)]
    between = [knot + step / 2 for knot in knots]
    highest = max(autoconvolution(t) for t in knots)
    assert highest >= max(autoconvolution(t) for t in between)
    return highest / (sum(exact) * step) ** 2


def test_a_function_of_one_height_has_constant_2() -> None:
    assert c1(1) == c1(3, 3, 3) == 2


@given(some.lists(some.floats(0, 4, width=16), min_size=1, max_size=5).filter(any))
def test_the_constant_is_that_of_the_definition(heights: list[float]) -> None:
    assert c1(*heights) == highest_value_over_squared_integral(heights)


@given(some.lists(some.integers(0, 10**30), min_size=1, max_size=40).filter(any))
def test_the_convolution_is_exact(whole: list[int]) -> None:
    expected = Counter[int]()
    for (i, a), (j, b) in product(enumerate(whole), repeat=2):
        expected[i + j] += a * b
    found = autocorrelation.self_convolution(whole)
    assert found == [expected[k] for k in range(2 * len(whole) - 1)]


def test_the_peak_may_be_at_any_knot() -> None:
    assert c1(1, 0, 0, 0) == 8
    assert c1(0, 0, 0, 1) == 8
    assert c1(1, 0, 1) == Fraction(6 * 2, 4)


def test_no_scale_and_no_range_of_heights_is_rounded() -> None:
    assert c1(1e100, 1e100) == c1(5e-324, 5e-324) == 2
    # What is added to 1 here is lost in floats, and not in the constant.
    assert c1(1.0, 1e-30) < c1(1.0, 0.0) == 4


@pytest.mark.parametrize(
    "heights",
    [
        *([], [0.0, 0.0], [1.0, -1e-300], [1.0, math.nan], [1.0, math.inf], [1.0] * 1001, [[1.0]]),
        *(1.0, np.float64(1.0), np.array(1.0), np.ones((2, 2)), None, "1", b"11", {0: 1.0}),
    ],
)
def test_what_is_no_step_function_is_refused(heights: object) -> None:
    with pytest.raises(ProgramFailed):
        autocorrelation.require_heights(heights)


# --- cap sets -------------------------------------------------------------------------------------


def is_cap_set(vectors: Sequence[Sequence[int]]) -> bool:
    try:
        cap_set.require_cap_set(np.array(vectors))
    except ProgramFailed:
        return False
    return True


@given(some.lists(some.tuples(*[some.integers(0, 2)] * 3), min_size=1, max_size=12))
def test_cap_sets_are_told_as_by_brute_force(vectors: list[tuple[int, ...]]) -> None:
    different = len(set(vectors)) == len(vectors)
    lines = any(
        all(sum(entries) % 3 == 0 for entries in zip(*three, strict=True))
        for three in combinations(vectors, 3)
    )
    assert is_cap_set(vectors) == (different and not lines)


def test_the_largest_cap_set_of_two_dimensions_is_told_from_a_larger_set() -> None:
    four = [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert is_cap_set(four)
    others = [vector for vector in product(range(3), repeat=2) if vector not in four]
    assert not any(is_cap_set([*four, other]) for other in others)


def test_no_vector_can_be_added_to_the_good_cap_set_and_none_repeated() -> None:
    vectors = reply(known_good("cap_set"), 8)
    assert is_cap_set(vectors)
    assert not is_cap_set([*vectors, vectors[0]])
    others = set(product(range(3), repeat=8)) - set(vectors)
    assert not is_cap_set([*vectors, min(others)])
    assert not is_cap_set([max(others), *vectors])


@pytest.mark.parametrize(
    "vectors",
    [
        *([], [[0] * 7], [[0.5] * 8], [[3] * 8], [[-1] * 8], [[math.nan] * 8], [["0"] * 8]),
        *([[0] * 8] * 1009, 1, None, np.int64(3), np.zeros(8), np.array(1), "00000000"),
    ],
)
def test_what_are_no_vectors_is_refused(vectors: object) -> None:
    with pytest.raises(ProgramFailed):
        cap_set.require_vectors(vectors)


# --- online bin packing ---------------------------------------------------------------------------


class HereAndNow:
    """A program of the online tasks, run right here, that notes what it was shown."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.shown: list[tuple[int, list[float]]] = []

    def __call__(self, *args: Any, cpu_s: float | None = None) -> Any:
        item, bins = args
        self.shown.append((item, bins.tolist()))
        return reply(self.source, item, bins)

    def map(self, *args: Any, **options: Any) -> list[Any]:
        raise NotImplementedError


FIRST_FIT = "def algorithm(item, bins):\n    return [-float(k) for k in range(len(bins))]\n"


def test_an_item_is_shown_with_the_bins_that_hold_it_and_a_new_one() -> None:
    program = HereAndNow(FIRST_FIT)
    sizes = np.array([60, 50, 40, 30, 50])
    assert online_bin_packing.bins_used(program, sizes, 100) == 3
    assert program.shown == [
        (60, [100.0]),
        (50, [100.0]),
        (40, [40.0, 50.0, 100.0]),
        (30, [50.0, 100.0]),
        (50, [100.0]),
    ]


@given(some.lists(some.integers(1, 20), min_size=1, max_size=30))
def test_first_fit_uses_the_bins_that_it_does_by_hand(sizes: list[int]) -> None:
    bins: list[int] = []
    for size in sizes:
        for place, held in enumerate(bins):
            if held + size <= 20:
                bins[place] += size
                break
        else:
            bins.append(size)
    used = online_bin_packing.bins_used(HereAndNow(FIRST_FIT), np.array(sizes), 20)
    assert used == len(bins)


def test_weibull_sizes_are_those_of_the_paper() -> None:
    rng = np.random.default_rng(0)
    sizes = np.concatenate([online_bin_packing.weibull_sizes(rng) for _ in range(100)])
    assert sizes.min() >= 1
    assert sizes.max() <= 100
    assert sizes.mean() == pytest.approx(45.0 * math.gamma(1 + 1 / 3), abs=0.3)
