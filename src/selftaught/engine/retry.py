"""When a request that failed is made again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from selftaught.core.errors import ModelFailure


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and after how long.

    Attributes:
        faults: requests in a row that may fail before the call does.
        first_faults: the same, as long as there is no sign of a provider at all.
        limited_s: seconds that a call may be put off by "too many requests".
        first_s, longest_s: bounds of the waiting times, which double from one to the other; each
            is drawn at random below its bound ("full jitter": Brooker, AWS Architecture Blog 2015).
    """

    faults: int = 10
    first_faults: int = 3
    limited_s: float = 900.0
    first_s: float = 0.5
    longest_s: float = 30.0


@dataclass(slots=True)
class Patience:
    """What one call has gone through so far."""

    policy: RetryPolicy
    rng: random.Random
    faults: int = 0
    limited: int = 0
    waited_s: float = 0.0

    def wait_s(self, failure: ModelFailure, *, hopeful: bool = True) -> float:
        """Seconds to wait before the next request.

        Args:
            hopeful: whether anybody has ever heard of the provider.
        Raises: the failure itself, where asking again is of no use or was tried often enough.
        """
        if failure.kind == "adjusted":
            return 0.0
        if failure.kind == "limited":
            self.limited += 1
            delay_s = self._jittered_s(self.limited)
            if failure.retry_after_s is not None:
                # Not all at once when the time is over.
                delay_s = failure.retry_after_s + self.rng.uniform(0, 0.1 * failure.retry_after_s)
            self.waited_s += delay_s
            if self.waited_s > self.policy.limited_s:
                raise failure
            return delay_s
        self.faults += 1
        most = self.policy.faults if hopeful else self.policy.first_faults
        if failure.kind != "fault" or self.faults >= most:
            raise failure
        if failure.retry_after_s is not None and failure.retry_after_s <= self.policy.longest_s:
            return failure.retry_after_s
        return self._jittered_s(self.faults)

    def _jittered_s(self, times: int) -> float:
        bound_s = min(self.policy.longest_s, self.policy.first_s * 2.0 ** min(times, 30))
        return self.rng.uniform(0, bound_s)
