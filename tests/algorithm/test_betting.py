"""Certified decisions by simulation: how often they are wrong, and how often they see a gain.

`measured_improvers.json` has normalised values of the shipped improvers `seed` and `greedy` at the
default limits, 80 improver runs a task, paired: t = 0 on val and on test of
`selftaught run --improver NAME --iterations 1 --accept paper --search-runs 1 --val-runs 40
--test-runs 40 --instance-key public --seed 1718`. Their difference is +0.117, standard error 0.009.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from scipy import stats

from selftaught.acceptance import Certified
from selftaught.algorithm import Decision
from selftaught.core.betting import (
    ERROR,
    PAIRS,
    Verdict,
    fewest_pairs,
    log_e_value,
    looks,
    needed_e_value,
    paired,
    verdict,
)
from selftaught.core.language_model import LanguageModel
from selftaught.core.program import Program
from selftaught.meta_utility import Improver, MetaUtility

Array: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
Drawn: TypeAlias = Callable[[np.random.Generator, int], tuple[Array, Array]]

MEASURED = json.loads(Path(__file__).with_name("measured_improvers.json").read_text())
SEED, GREEDY = (np.array(list(MEASURED[name].values())) for name in ("seed", "greedy"))
TASKS = list(MEASURED["seed"])
STEPS, RUNS = 20, 2000


def resampled(values: Array, rng: np.random.Generator, rounds: int) -> Array:
    return np.stack([rng.choice(row, rounds) for row in values])


def the_same_again(rng: np.random.Generator, rounds: int) -> tuple[Array, Array]:
    return resampled(SEED, rng, rounds), resampled(SEED, rng, rounds)


def better_but_for_failures(rng: np.random.Generator, rounds: int) -> tuple[Array, Array]:
    """A tenth of the proposal's runs fails; the others are better by as much as that takes."""
    new, old = the_same_again(rng, rounds)
    fails = rng.random(new.shape) < 0.1
    return np.where(fails, 0.0, new + SEED.mean(axis=1, keepdims=True) / 9), old


def greedy(rng: np.random.Generator, rounds: int) -> tuple[Array, Array]:
    return resampled(GREEDY, rng, rounds), resampled(SEED, rng, rounds)


def decided(drawn: Drawn, rng: np.random.Generator, steps: int = STEPS) -> Verdict:
    """One step's decision, look by look."""
    at = looks(PAIRS, len(TASKS))
    new, old = drawn(rng, at[-1])
    for rounds in at:
        pairs = {
            task: [*zip(new[k, :rounds].tolist(), old[k, :rounds].tolist(), strict=True)]
            for k, task in enumerate(TASKS)
        }
        found = verdict(pairs, needed_e_value(steps), at)
        if found is not None:
            return found
    raise AssertionError("the last look decides")


@pytest.mark.parametrize("drawn", [the_same_again, better_but_for_failures])
def test_of_runs_with_nothing_better_no_more_adopt_anything_than_may(drawn: Drawn) -> None:
    rng = np.random.default_rng(18)
    adopting = sum(any(decided(drawn, rng).adopted for _ in range(STEPS)) for _ in range(RUNS))
    assert stats.binomtest(adopting, RUNS, ERROR, alternative="greater").pvalue > 0.05, adopting


@pytest.mark.parametrize("steps", [4, STEPS])
def test_greedy_is_shown_to_be_better_than_seed_within_the_most(steps: int) -> None:
    rng = np.random.default_rng(18)
    found = [decided(greedy, rng, steps) for _ in range(500)]
    assert np.mean([one.adopted for one in found]) >= 0.8
    assert np.mean([one.pairs for one in found]) < PAIRS / 2, "mostly it takes less than half"


def test_what_is_no_better_is_given_up_early() -> None:
    rng = np.random.default_rng(18)
    assert np.mean([decided(the_same_again, rng).pairs for _ in range(500)]) < PAIRS / 3


def test_the_stake_is_the_mean_of_those_of_both_bets_in_whatever_order() -> None:
    differences = [0.5, -0.25, 0.125, -0.5]
    by_hand = (
        1.25 * 0.875 * 1.0625 * 0.75 + 1.5 * 0.75 * 1.125 * 0.5
    ) / 2  # bets of a half and of all
    assert math.exp(log_e_value(differences)) == pytest.approx(by_hand)
    assert log_e_value(differences[::-1]) == log_e_value(differences)
    assert log_e_value([]) == 0.0
    assert math.exp(log_e_value([-1.0, 1.0, 1.0])) == pytest.approx(0.5 * 1.5 * 1.5 / 2)


def test_the_error_of_a_run_is_spread_over_its_steps() -> None:
    assert needed_e_value(4) == pytest.approx(80)
    assert needed_e_value(20) == pytest.approx(400)


def test_pairs_are_shared_by_all_tasks_so_that_more_tasks_cost_no_more() -> None:
    assert looks(180, 1) == [30, 60, 90, 135, 180]
    assert looks(180, 2) == [15, 30, 45, 68, 90]
    assert looks(180, 3) == [10, 20, 30, 45, 60]
    assert looks(1, 3) == [1]


def test_the_last_look_is_at_no_more_pairs_than_there_may_be() -> None:
    assert looks(180, 7) == [5, 9, 13, 20, 25]
    assert all(looks(most, k)[-1] * k <= most for k in range(1, 9) for most in range(k, 200))


@pytest.mark.parametrize(("steps", "tasks"), [(1, 1), (4, 1), (4, 3), (20, 2)])
def test_fewer_than_the_fewest_pairs_adopt_nothing_even_where_all_is_won(
    steps: int, tasks: int
) -> None:
    fewest, needed = fewest_pairs(steps, tasks), needed_e_value(steps)
    for most, adopts in ((fewest, True), (fewest - 1, False)):
        at = looks(most, tasks)
        found = verdict({str(k): [(1.0, 0.0)] * at[-1] for k in range(tasks)}, needed, at)
        assert found is not None
        assert found.adopted is adopts


# --- the policy -----------------------------------------------------------------------------------


class Named:
    """An improver that only has a name."""

    def __init__(self, name: str) -> None:
        self.program = Program(name)

    async def __call__(self, u: Any, s: Program, M: LanguageModel) -> Program:  # noqa: N803
        raise AssertionError("it is only measured")


class Task:
    """A task that only has a name."""

    def __init__(self, name: str) -> None:
        self.name = name


class Measured(MetaUtility):
    """Pairs as they are drawn, and what was asked for."""

    def __init__(self, gain: float) -> None:
        super().__init__([Task(name) for name in TASKS], None, {})  # type: ignore[list-item, arg-type]
        self.gain = gain
        self.asked: list[tuple[str, str, range]] = []

    async def pairs(
        self, new: Improver, old: Improver, stream: Any, name: str, rounds: range
    ) -> dict[str, list[tuple[float, float]]]:
        self.asked.append((stream, name, rounds))
        assert (new.program.source, old.program.source) == ("new", "old")
        return {task: [(0.5 + self.gain, 0.5)] * len(rounds) for task in TASKS}


def decide(gain: float) -> tuple[Decision, list[tuple[str, str, range]]]:
    measured, accept = Measured(gain), Certified(4, 180)

    async def second_step() -> Decision:
        await accept(Named("old"), Named("old"), measured)
        return await accept(Named("old"), Named("new"), measured)

    return asyncio.run(second_step()), measured.asked


def test_a_gain_is_adopted_at_the_first_look_that_shows_it() -> None:
    decision, asked = decide(0.09)
    assert decision.accepted
    assert decision.improver.program.source == "new"
    assert asked == [("val", "2", range(10)), ("val", "2", range(10, 20))]
    assert decision.reason.startswith("shown better: e-value ")
    assert decision.reason.endswith(" >= 80 after 60 pairs")
    assert decision.pairs is not None
    assert decision.val_difference == paired(decision.pairs)
    assert decision.val_difference.mean == pytest.approx(0.09)


def test_a_gain_too_small_to_be_shown_is_refused_at_once() -> None:
    decision, asked = decide(0.001)
    assert not decision.accepted
    assert decision.improver.program.source == "old"
    assert asked == [("val", "2", range(10))]
    assert decision.reason == "not shown better: e-value 1.02 < 80 after 30 pairs"
