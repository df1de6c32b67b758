"""The ledger never overspends, under any interleaving of calls that take what they reserve."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from selftaught.core.budget import Budget, Usage
from selftaught.core.errors import BudgetExceeded
from selftaught.engine.ledger import NOTHING, Amounts, Cost, Ledger, Reservation

RESOURCES = ("lm_calls", "samples", "tokens", "usd")
TOLERANCE_USD = 1e-9

costs = st.builds(
    Cost,
    tokens=st.integers(0, 50),
    tokens_per_sample=st.integers(0, 20),
    usd=st.floats(0, 0.3),
    usd_per_sample=st.floats(0, 0.1),
    lm_calls=st.integers(0, 1),
)
amounts = st.builds(
    Amounts, st.integers(0, 3), st.integers(0, 9), st.integers(0, 90), st.floats(0, 0.5)
)


class AnyInterleaving(RuleBasedStateMachine):
    """Reserve, settle, settle unknown, release and hold back, in any order."""

    reservations = Bundle("reservations")

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget(lm_calls=12, samples=40, tokens=600, usd=2.5)
        self.ledger = Ledger(self.budget)
        self.open: list[Reservation] = []
        self.used = NOTHING
        self.held = NOTHING

    def taken(self) -> Amounts:
        total = self.used
        for reservation in self.open:
            total = total.plus(reservation.amounts)
        return total

    def fits(self, amounts: Amounts, slack: float = 0.0) -> bool:
        total = self.taken().plus(amounts).plus(self.held)
        return all(getattr(total, r) <= getattr(self.budget, r) + slack for r in RESOURCES)

    @rule(target=reservations, cost=costs, samples=st.integers(1, 12))
    def reserve(self, cost: Cost, samples: int) -> Any:
        try:
            reservation = self.ledger.reserve(cost, samples)
        except BudgetExceeded as error:
            assert not self.fits(cost.of(1), -TOLERANCE_USD), "refused what would have fitted"
            assert error.limit == getattr(self.budget, error.resource)  # noqa: PT017
            return None
        assert 1 <= reservation.samples <= samples
        assert reservation.amounts == cost.of(reservation.samples)
        assert self.fits(reservation.amounts, TOLERANCE_USD)
        if reservation.samples < samples:
            assert not self.fits(cost.of(reservation.samples + 1), -TOLERANCE_USD), "shrunk too far"
        self.open.append(reservation)
        return reservation

    def close(self, reservation: Reservation, used: Amounts) -> None:
        self.open.remove(reservation)
        self.used = self.used.plus(used)

    @rule(reservation=consumes(reservations), share=st.floats(0, 1))
    def settle(self, reservation: Reservation | None, share: float) -> None:
        if reservation is not None:
            worst = reservation.amounts
            used = Amounts(
                worst.lm_calls,
                int(worst.samples * share),
                int(worst.tokens * share),
                worst.usd * share,
            )
            tokens_in = used.tokens // 3
            self.ledger.settle(
                reservation,
                Usage(used.lm_calls, 2, used.samples, tokens_in, used.tokens - tokens_in, used.usd),
            )
            self.close(reservation, used)

    @rule(reservation=consumes(reservations))
    def settle_unknown(self, reservation: Reservation | None) -> None:
        if reservation is not None:
            self.ledger.settle(reservation, reservation.usage)
            self.close(reservation, reservation.amounts)

    @rule(reservation=consumes(reservations))
    def release(self, reservation: Reservation | None) -> None:
        if reservation is not None:
            self.ledger.release(reservation)
            self.close(reservation, NOTHING)

    @rule(reservation=consumes(reservations))
    def settle_twice(self, reservation: Reservation | None) -> None:
        if reservation is not None:
            self.ledger.settle(reservation, reservation.usage)
            self.close(reservation, reservation.amounts)
            for again in (
                lambda: self.ledger.settle(reservation, Usage(samples=1)),
                lambda: self.ledger.settle(reservation, reservation.usage),
                lambda: self.ledger.release(reservation),
            ):
                with pytest.raises(ValueError, match="once"):
                    again()

    @rule(held=amounts)
    def hold_back(self, held: Amounts) -> None:
        self.ledger.hold_back(held)
        self.held = held

    @rule()
    def set_free(self) -> None:
        self.hold_back(NOTHING)

    @invariant()
    def nothing_is_overspent(self) -> None:
        total = self.taken()
        for resource in RESOURCES:
            limit = getattr(self.budget, resource)
            assert getattr(total, resource) <= limit + TOLERANCE_USD

    @invariant()
    def usage_is_what_was_settled(self) -> None:
        usage = self.ledger.usage
        assert usage.lm_calls == self.used.lm_calls
        assert usage.samples == self.used.samples
        assert usage.tokens_in + usage.tokens_out == self.used.tokens
        assert usage.usd == pytest.approx(self.used.usd)


AnyInterleaving.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyInterleaving = AnyInterleaving.TestCase


def test_a_call_is_shrunk_before_it_is_refused() -> None:
    ledger = Ledger(Budget(samples=10))
    assert ledger.reserve(Cost(0, 0), 8).samples == 8
    assert ledger.reserve(Cost(0, 0), 8).samples == 2
    with pytest.raises(BudgetExceeded) as refused:
        ledger.reserve(Cost(0, 0), 8)
    assert (refused.value.resource, refused.value.used, refused.value.limit) == ("samples", 10, 10)


def test_a_refused_reservation_sets_nothing_aside() -> None:
    ledger = Ledger(Budget(tokens=100, lm_calls=5))
    with pytest.raises(BudgetExceeded):
        ledger.reserve(Cost(tokens=101, tokens_per_sample=0), 1)
    assert ledger.reserve(Cost(tokens=100, tokens_per_sample=0), 1).samples == 1


def test_settling_below_the_reservation_gives_the_rest_back() -> None:
    ledger = Ledger(Budget(tokens=100))
    first = ledger.reserve(Cost(tokens=90, tokens_per_sample=0), 1)
    with pytest.raises(BudgetExceeded):
        ledger.reserve(Cost(tokens=20, tokens_per_sample=0), 1)
    ledger.settle(first, Usage(1, 1, 1, 10, 5))
    ledger.reserve(Cost(tokens=85, tokens_per_sample=0), 1)


def test_an_answer_of_unknown_outcome_costs_its_reservation() -> None:
    ledger = Ledger(Budget(usd=1.0))
    reservation = ledger.reserve(Cost(10, 5, usd=0.5, usd_per_sample=0.1), 4)
    ledger.settle(reservation, reservation.usage)
    usage = ledger.usage
    assert (usage.lm_calls, usage.samples) == (1, 4)
    assert (usage.tokens_in, usage.tokens_out) == (10, 20)
    assert usage.usd == pytest.approx(0.9)


def test_what_is_held_back_is_there_at_the_end() -> None:
    ledger = Ledger(Budget(lm_calls=10, samples=100))
    ledger.hold_back(Amounts(lm_calls=4))
    for _ in range(6):
        reservation = ledger.reserve(Cost(0, 0), 1)
        ledger.settle(reservation, reservation.usage)
    with pytest.raises(BudgetExceeded):
        ledger.reserve(Cost(0, 0), 1)
    ledger.hold_back(NOTHING)
    for _ in range(4):
        ledger.reserve(Cost(0, 0), 1)
    with pytest.raises(BudgetExceeded):
        ledger.reserve(Cost(0, 0), 1)


def test_what_is_covered_is_left_beside_what_is_spent_reserved_and_held_back_in_any_time() -> None:
    ledger = Ledger(Budget(lm_calls=10))
    ledger.hold_back(Amounts(lm_calls=3))
    spent = ledger.reserve(Cost(0, 0), 1)
    ledger.settle(spent, spent.usage)
    ledger.reserve(Cost(0, 0), 1)
    assert ledger.covers(Amounts(lm_calls=5, samples=1000))
    assert not ledger.covers(Amounts(lm_calls=6))
    assert Ledger(Budget()).covers(Amounts(lm_calls=1000))
    assert not Ledger(Budget(wall_s=10.0)).covers(NOTHING)


def test_the_requests_of_one_logical_call_count_one_call() -> None:
    ledger = Ledger(Budget(lm_calls=1))
    ledger.reserve(Cost(0, 0), 1)
    ledger.reserve(Cost(0, 0, lm_calls=0), 1)
    with pytest.raises(BudgetExceeded):
        ledger.reserve(Cost(0, 0), 1)


def test_time_is_a_budget_too() -> None:
    times = itertools.chain([100.0, 105.0, 109.9, 110.0], itertools.repeat(112.0))
    ledger = Ledger(Budget(wall_s=10.0), clock=lambda: next(times))
    ledger.check_wall()
    ledger.check_wall()
    with pytest.raises(BudgetExceeded) as ended:
        ledger.check_wall()
    assert ended.value.resource == "wall_s"
    with pytest.raises(BudgetExceeded):
        ledger.reserve(Cost(0, 0), 1)


def test_money_that_was_reserved_and_given_back_can_be_spent_to_the_cent() -> None:
    ledger = Ledger(Budget(usd=1.0))
    for _ in range(3):
        kept = [ledger.reserve(Cost(0, 0, usd=0.1), 1) for _ in range(10)]
        for reservation in kept:
            ledger.release(reservation)
    for _ in range(10):
        ledger.reserve(Cost(0, 0, usd=0.1), 1)


def test_without_a_budget_nothing_is_refused() -> None:
    ledger = Ledger(Budget())
    assert ledger.reserve(Cost(10**12, 10**9, usd=1e9), 1000).samples == 1000


# --- waiting for what is open -------------------------------------------------------------------

CALL = Cost(tokens=10, tokens_per_sample=20)


def test_what_only_open_calls_keep_from_fitting_waits_for_them_and_is_not_shrunk() -> None:
    async def scenario() -> None:
        ledger = Ledger(Budget(tokens=100))
        first = await ledger.reserve_in_turn(CALL, 4)
        second = asyncio.ensure_future(ledger.reserve_in_turn(CALL, 3))
        await asyncio.sleep(0)
        assert not second.done()
        ledger.settle(first, Usage(1, 1, 4, 10, 4))
        assert (await second).samples == 3

    asyncio.run(scenario())


def test_what_would_not_fit_either_way_is_shrunk_or_refused_at_once() -> None:
    async def scenario() -> None:
        ledger = Ledger(Budget(tokens=100))
        assert (await ledger.reserve_in_turn(CALL, 9)).samples == 4
        with pytest.raises(BudgetExceeded):
            await Ledger(Budget(tokens=20)).reserve_in_turn(CALL, 2)

    asyncio.run(scenario())


def test_whoever_stops_waiting_keeps_nobody_from_their_turn() -> None:
    async def scenario() -> None:
        ledger = Ledger(Budget(lm_calls=1))
        first = await ledger.reserve_in_turn(CALL, 1)
        waiting = [asyncio.ensure_future(ledger.reserve_in_turn(CALL, 1)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        ledger.release(first)
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.sleep(0.01)
        ledger.settle(waiting[1].result(), Usage(1, 1, 1, 1, 1))
        with pytest.raises(BudgetExceeded):
            await waiting[2]
        assert done
        assert ledger.usage.lm_calls == 1

    asyncio.run(scenario())


def test_calls_whose_worst_case_is_far_above_what_they_take_are_all_made_in_the_end() -> None:
    """A hundred at once, of which two fit beside each other at their worst."""

    async def scenario() -> int:
        ledger = Ledger(Budget(usd=1.0))
        cost = Cost(0, 0, usd_per_sample=0.5)

        async def call() -> None:
            reservation = await ledger.reserve_in_turn(cost, 1)
            await asyncio.sleep(0)
            ledger.settle(reservation, Usage(1, 1, 1, usd=0.004))

        await asyncio.gather(*(call() for _ in range(100)))
        return ledger.usage.lm_calls

    assert asyncio.run(scenario()) == 100


def test_when_the_time_is_over_nobody_waits() -> None:
    async def scenario() -> None:
        now = [0.0]
        ledger = Ledger(Budget(tokens=100, wall_s=5.0), clock=lambda: now[0])
        await ledger.reserve_in_turn(CALL, 4)
        now[0] = 6.0
        with pytest.raises(BudgetExceeded, match="wall_s"):
            await ledger.reserve_in_turn(CALL, 4)

    asyncio.run(scenario())


def test_what_earlier_parts_of_a_run_took_of_its_time_counts() -> None:
    ledger = Ledger(Budget(wall_s=10.0), lambda: 100.0, elapsed_s=4.0)
    assert ledger.time_left_s == 6.0
    with pytest.raises(BudgetExceeded):
        Ledger(Budget(wall_s=10.0), lambda: 100.0, elapsed_s=10.0).check_wall()
