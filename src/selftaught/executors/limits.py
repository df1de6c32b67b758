"""Limits that the host watches: a guest's own CPU seconds, the wall clock, and its threads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from selftaught.core.outcome import Failed
from selftaught.core.ports import GuestLimits, GuestProcess

# CPU time varies by some per cent from run to run, with what else the machine does. So a first try
# may go on until it is this far over its limit, to tell whether a second one is worth while.
GRACE = 1.1

_MIN_WALL_S = 5.0
_WALL_PER_CPU = 10.0
_SHORTEST_SLEEP_S = 0.001
_LONGEST_SLEEP_S = 0.25

CORES = os.cpu_count() or 1


def wall_limit_s(cpu_s: float, limits: GuestLimits) -> float:
    """How long a guest may take by the wall for a CPU limit: generous, for busy machines."""
    return limits.wall_s or max(_MIN_WALL_S, _WALL_PER_CPU * cpu_s)


def too_many_threads(guest: GuestProcess, limits: GuestLimits) -> Failed | None:
    """Where the kernel counts a user's tasks together, only the host sees one guest's own."""
    threads = guest.threads()
    if threads <= limits.threads:
        return None
    return Failed("crashed", f"ended with {threads} threads; at most {limits.threads}")


class LimitWatch:
    """One call's limits on one guest: when to look again, and whether one is passed.

    Args:
        used_s: what it has used so far, in CPU seconds.
        cpu_s: the limit of this call.
        limits: the guest's.
        since_s: its CPU seconds when the call began, or when the last one ended: what its threads
            used since then counts.
        grace: how many times its CPU limit it may use before it is ended.
    """

    def __init__(
        self,
        used_s: Callable[[], float],
        cpu_s: float,
        limits: GuestLimits,
        since_s: float,
        grace: float,
    ) -> None:
        self._used_s = used_s
        self._cpu_s = cpu_s
        self._limits = limits
        self._since_s = since_s
        self._end_s = since_s + grace * cpu_s
        self._wall_s = wall_limit_s(cpu_s, limits)
        self._wall_end = time.monotonic() + self._wall_s

    def is_over_cpu(self) -> bool:
        """Whether it has used more than its limit, the grace not counted."""
        return self._used_s() - self._since_s > self._cpu_s

    def next_look_s(self) -> float:
        """Seconds until a limit may be passed: not above 0 if one is."""
        left_s = self._end_s - self._used_s()
        wall_left_s = self._wall_end - time.monotonic()
        if left_s <= 0 or wall_left_s <= 0:
            return 0.0
        soonest_s = max(_SHORTEST_SLEEP_S, left_s / CORES)
        return min(soonest_s, wall_left_s + _SHORTEST_SLEEP_S, _LONGEST_SLEEP_S)

    def timeout(self) -> Failed:
        """Which limit of time it has passed."""
        if self.is_over_cpu():
            return Failed("timeout", f"over its limit of {self._cpu_s:g} CPU seconds")
        used_s = self._used_s() - self._since_s
        said = f"no answer in {self._wall_s:g} s of wall time ({used_s:.2f} s of CPU)"
        return Failed("timeout", said)
