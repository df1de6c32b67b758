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
_LONGEST_SLEEP_S = 0.05  # a guest that nobody counts the threads of can make thousands in it

CORES = os.cpu_count() or 1


def wall_limit_s(cpu_s: float, limits: GuestLimits) -> float:
    """How long a guest may take by the wall for a CPU limit: generous, for busy machines."""
    return limits.wall_s or max(_MIN_WALL_S, _WALL_PER_CPU * cpu_s)


def too_many_threads(guest: GuestProcess, limits: GuestLimits) -> Failed | None:
    """Where the kernel counts a user's tasks together, only the host sees one guest's own.

    And where guests are the machine's root, it counts none.
    """
    threads = guest.threads()
    if threads <= limits.threads:
        return None
    return Failed("crashed", f"ended with {threads} threads; at most {limits.threads}")


class LimitWatch:
    """One call's limits on one guest: when to look again, and whether one is passed.

    Args:
        used_s: what it has used so far, in CPU seconds.
        since_s: its CPU seconds when the call began, or when the last one ended: what its threads
            used since then counts.
        grace: how many times its CPU limit it may use before it is ended.
    """

    def __init__(
        self,
        guest: GuestProcess,
        used_s: Callable[[], float],
        cpu_s: float,
        limits: GuestLimits,
        since_s: float,
        grace: float,
    ) -> None:
        self._guest = guest
        self._used_s = used_s
        self._cpu_s = cpu_s
        self._limits = limits
        self._since_s = since_s
        self._end_s = since_s + grace * cpu_s
        self._wall_s = wall_limit_s(cpu_s, limits)
        now = time.monotonic()
        self._wall_end = now + self._wall_s
        self._count_at = now + _LONGEST_SLEEP_S
        self._too_many: Failed | None = None

    def is_over_cpu(self) -> bool:
        """Whether it has used more than its limit, the grace not counted."""
        return self._used_s() - self._since_s > self._cpu_s

    def is_within_grace(self) -> bool:
        """Whether it has not used so much more that a second try is of no use."""
        return self._used_s() < self._end_s

    def next_look_s(self) -> float:
        """Seconds until a limit may be passed: not above 0 if one is."""
        left_s = self._end_s - self._used_s()
        now = time.monotonic()
        wall_left_s = self._wall_end - now
        if now >= self._count_at:  # also of a guest that keeps the host busy with what it writes
            self._count_at = now + _LONGEST_SLEEP_S
            self._too_many = too_many_threads(self._guest, self._limits)
        if left_s <= 0 or wall_left_s <= 0 or self._too_many is not None:
            return 0.0
        soonest_s = max(_SHORTEST_SLEEP_S, left_s / CORES)
        return min(soonest_s, wall_left_s + _SHORTEST_SLEEP_S, _LONGEST_SLEEP_S)

    def timeout(self) -> Failed:
        """Which limit it has passed."""
        if self._too_many is not None:
            return self._too_many
        if self.is_over_cpu():
            return Failed("timeout", f"over its limit of {self._cpu_s:g} CPU seconds")
        used_s = self._used_s() - self._since_s
        said = f"no answer in {self._wall_s:g} s of wall time ({used_s:.2f} s of CPU)"
        return Failed("timeout", said)
