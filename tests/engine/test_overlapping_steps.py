"""A step is measured on test beside the next one where the budget covers both at their worst."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from engine_support import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_resume import COMPARED, Kept, Once, go, problems, replay, stable

from journal_support import said
from selftaught.core.budget import Budget
from selftaught.studies.study import NothingMeasured

STEPS = 2
# Improver runs at most: t = 0 on val and test (4), the proposal (1), what it asks for (6) and its
# own val (2), and twice test at the end (4). Each makes 2 calls at most, of 4 responses.
COVERED = Budget(lm_calls=2 * 17)
NOT_COVERED = Budget(lm_calls=2 * 17 - 1)


def overlapped(kept: Kept) -> list[int]:
    """Steps that were measured after the next one had begun."""
    begun, found = 0, []
    for event in kept.events:
        begun += event.kind == "invocation" and said(event)["role"] == "proposal"
        if event.kind == "iteration" and said(event)["t"] < begun:
            found.append(said(event)["t"])
    return found


@pytest.fixture(scope="module")
def unlimited(world: World) -> Once:
    return go(world, iterations=STEPS)


@pytest.mark.parametrize(
    "budget",
    [Budget(lm_calls=1000), Budget(samples=1000), Budget(tokens=10**9), Budget(usd=1000.0)],
    ids=str,
)
def test_steps_overlap_in_a_generous_budget_and_come_to_what_nothing_limits(
    budget: Budget, world: World, unlimited: Once
) -> None:
    once = go(world, budget=budget, iterations=STEPS)
    assert overlapped(once.journal) == overlapped(unlimited.journal) == [0, 1]
    assert once.result["usage"] == unlimited.result["usage"]
    assert stable(once.result) == stable(unlimited.result)
    assert once.journal.of(*COMPARED) == unlimited.journal.of(*COMPARED)


def test_steps_follow_each_other_where_time_is_limited_and_come_to_the_same(
    world: World, unlimited: Once
) -> None:
    once = go(world, budget=Budget(wall_s=3600.0), iterations=STEPS)
    assert overlapped(once.journal) == []
    assert stable(once.result) == stable(unlimited.result)
    assert once.journal.of(*COMPARED) == unlimited.journal.of(*COMPARED)


@pytest.mark.parametrize(("budget", "found"), [(COVERED, [0]), (NOT_COVERED, [])], ids=str)
def test_a_step_overlaps_as_soon_as_the_worst_case_is_covered_and_no_sooner(
    budget: Budget, found: list[int], world: World
) -> None:
    once = go(world, budget=budget)
    assert overlapped(once.journal) == found
    assert once.result["state"] == "done"


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_run_cut_in_a_step_that_overlaps_goes_on_to_the_same_end(
    share: float, world: World
) -> None:
    once = go(world, budget=COVERED)
    kept = Kept(once.journal.events[: round(share * len(once.journal.events))], once.journal.texts)
    resumed = go(world, kept.memory(), kept, budget=COVERED)
    assert stable(resumed.result) == stable(once.result)
    assert kept.of(*COMPARED) == once.journal.of(*COMPARED)
    assert resumed.result["usage"]["lm_calls"] == once.result["usage"]["lm_calls"]
    assert problems(kept) == []
    found = replay(world, kept, rescore=False)
    assert (found["differences"], found["diverged"]) == ([], [])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    budget=st.builds(Budget, lm_calls=st.integers(4, 60))
    | st.builds(Budget, samples=st.integers(4, 300))
    | st.builds(Budget, usd=st.floats(0.001, 0.2), samples=st.integers(100, 300))
)
def test_no_budget_is_overspent_or_blocks_and_what_overlapped_is_as_if_nothing_limited(
    budget: Budget, world: World, unlimited: Once
) -> None:
    kept = Kept()
    try:
        result = go(world, journal=kept, budget=budget, iterations=STEPS).result
    except NothingMeasured:
        assert overlapped(kept) == []
        return
    for resource in ("lm_calls", "samples", "usd"):
        limit = asdict(budget)[resource]
        assert limit is None or result["usage"][resource] <= limit
    assert problems(kept) == []
    measured = max(overlapped(kept), default=-1) + 1
    assert result["iterations"][:measured] == unlimited.result["iterations"][:measured]
