"""The run's ledger: reserve at the worst case, settle at what it took, never overspend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from selftaught.core.budget import Budget, Usage
from selftaught.core.errors import BudgetExceeded, Enough

_RESOURCES = ("lm_calls", "samples", "tokens", "usd")


@dataclass(frozen=True, slots=True)
class Amounts:
    """Amounts of what a budget limits."""

    lm_calls: int = 0
    samples: int = 0
    tokens: int = 0
    usd: float = 0.0

    def plus(self, other: Amounts, times: int = 1) -> Amounts:
        return Amounts(*(getattr(self, r) + times * getattr(other, r) for r in _RESOURCES))


NOTHING = Amounts()


@dataclass(frozen=True, slots=True)
class Cost:
    """The worst case of one request: a fixed part, and a part for each sample.

    The requests of one logical call share it: the first has `lm_calls` 1, the others 0.
    """

    tokens: int
    tokens_per_sample: int
    usd: float = 0.0
    usd_per_sample: float = 0.0
    lm_calls: int = 1

    def of(self, samples: int) -> Amounts:
        return Amounts(
            lm_calls=self.lm_calls,
            samples=samples,
            tokens=self.tokens + samples * self.tokens_per_sample,
            usd=self.usd + samples * self.usd_per_sample,
        )

    def usage_of(self, samples: int) -> Usage:
        """The same as usage, of one request."""
        tokens_out = samples * self.tokens_per_sample
        usd = self.usd + samples * self.usd_per_sample
        return Usage(self.lm_calls, 1, samples, self.tokens, tokens_out, usd)


@dataclass(slots=True)
class Reservation:
    """A part of the budget set aside for one request; settled exactly once.

    Attributes:
        usage: the same as usage, the worst that the request can take.
    """

    samples: int
    amounts: Amounts
    usage: Usage
    open: bool = True


class Ledger:
    """Of one event loop, and safe under any interleaving: every method is one step.

    Attributes:
        usage: what was used in all.
        spent: what counts against the budget: also what others took that share it.
    """

    def __init__(
        self,
        budget: Budget,
        clock: Callable[[], float] = time.monotonic,
        *,
        usage: Usage | None = None,
        elapsed_s: float = 0.0,
        before: Usage | None = None,
    ) -> None:
        """
        Args:
            usage, elapsed_s: what earlier parts of the run have taken.
            before: what others have taken that share the budget; no part of the run's own usage.
        """
        self._budget = budget
        self._clock = clock
        self._end_s = None if budget.wall_s is None else clock() + budget.wall_s - elapsed_s
        self._reserved = NOTHING
        self.usage = usage or Usage()
        self.spent = amounts_of(self.usage + (before or Usage()))
        self._held = NOTHING
        self._settled = asyncio.Event()
        self._enough: Enough | None = None

    def covers(self, amounts: Amounts) -> bool:
        """Whether so much is left, however long it takes, and beside what is held back."""
        return self._end_s is None and self._short(amounts, self._reserved) is None

    def hold_back(self, amounts: Amounts) -> None:
        """Keep this much for the end; `NOTHING` sets it free."""
        self._held = amounts

    @property
    def time_left_s(self) -> float | None:
        """Seconds until the time is over; None without such a limit."""
        return None if self._end_s is None else max(0.0, self._end_s - self._clock())

    def end(self, enough: Enough) -> None:
        """What is under way goes on; whatever is asked for next is refused with this."""
        self._enough = enough

    def check_wall(self) -> None:
        """Raises: BudgetExceeded when the time is over, or there is enough."""
        if self._enough is not None:
            raise self._enough
        if self._end_s is not None and self._clock() >= self._end_s:
            assert self._budget.wall_s is not None
            used = self._clock() - self._end_s + self._budget.wall_s
            raise BudgetExceeded("wall_s", used, self._budget.wall_s, "run")

    def spent_most(self) -> BudgetExceeded:
        """That the budget is spent, told by what comes nearest to its limit."""
        limits = {one: getattr(self._budget, one) for one in _RESOURCES}
        shares = {one: getattr(self.spent, one) / limit for one, limit in limits.items() if limit}
        one = max(shares, key=lambda name: shares[name], default="lm_calls")
        used = getattr(self.spent, one)
        return BudgetExceeded(one, used, limits[one] or used, "run")

    def reserve(self, cost: Cost, samples: int) -> Reservation:
        """Set aside one call with up to `samples` samples; fewer if only fewer fit.

        Raises: BudgetExceeded if not even one sample fits; nothing is set aside then.
        """
        self.check_wall()
        for n in range(samples, 0, -1):
            wanted = cost.of(n)
            short = self._short(wanted, self._reserved)
            if short is None:
                self._reserved = self._reserved.plus(wanted)
                return Reservation(n, wanted, cost.usage_of(n))
        assert short is not None
        raise short

    async def reserve_in_turn(self, cost: Cost, samples: int) -> Reservation:
        """`reserve`, but wait while it is only open reservations that stand in the way.

        Worst cases are far above what calls take in the end. What does not fit beside those that
        are open may fit once they are settled, so nothing is shrunk or refused on their account.

        Raises: BudgetExceeded as `reserve` does.
        """
        while self._fitting(cost, samples, self._reserved) < self._fitting(cost, samples, NOTHING):
            if self._end_s is not None and self._clock() >= self._end_s:
                break
            self._settled.clear()
            await self._settled.wait()
        return self.reserve(cost, samples)

    def _fitting(self, cost: Cost, samples: int, reserved: Amounts) -> int:
        """How many samples fit beside what is spent, held and reserved."""
        for n in range(samples, 0, -1):
            if self._short(cost.of(n), reserved) is None:
                return n
        return 0

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        """Replace a reservation by what the request took; `reservation.usage` if nobody knows."""
        self._close(reservation, amounts_of(usage), usage)

    def release(self, reservation: Reservation) -> None:
        """The call was never made."""
        self._close(reservation, NOTHING, Usage())

    def _close(self, reservation: Reservation, used: Amounts, usage: Usage) -> None:
        if not reservation.open:
            raise ValueError("a reservation is settled once")
        reservation.open = False
        self._reserved = self._reserved.plus(reservation.amounts, -1)
        self.spent = self.spent.plus(used)
        self.usage = self.usage + usage
        self._settled.set()

    def _short(self, wanted: Amounts, reserved: Amounts) -> BudgetExceeded | None:
        for resource in _RESOURCES:
            limit = getattr(self._budget, resource)
            if limit is None:
                continue
            taken = getattr(self.spent, resource) + getattr(reserved, resource)
            held = getattr(self._held, resource)
            if taken + getattr(wanted, resource) + held > limit:
                return BudgetExceeded(resource, taken, limit, "run", held=held)
        return None


def amounts_of(usage: Usage) -> Amounts:
    """What a budget limits of usage."""
    tokens = usage.tokens_in + usage.tokens_out
    return Amounts(usage.lm_calls, usage.samples, tokens, usage.usd)
