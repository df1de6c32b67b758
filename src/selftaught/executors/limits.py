"""CPU limits in the guest's own seconds, with a wall-clock backstop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

_MIN_WALL_S = 5.0
_WALL_PER_CPU = 10.0
_SHORTEST_SLEEP_S = 0.001

CORES = os.cpu_count() or 1


def wall_limit_s(cpu_s: float) -> float:
    """How long a guest may take by the wall for a CPU limit: generous, for busy machines."""
    return max(_MIN_WALL_S, _WALL_PER_CPU * cpu_s)


class CpuWatch:
    """One limit on one guest from now on: when to look again, and whether it is over."""

    def __init__(self, clock: Callable[[], float], cpu_s: float) -> None:
        self._clock = clock
        self._start_s = clock()
        self._limit_s = cpu_s
        self._wall_end = time.monotonic() + wall_limit_s(cpu_s)

    def used_s(self) -> float:
        return self._clock() - self._start_s

    def next_look_s(self) -> float | None:
        """Seconds until it may be over, or None if it is over now."""
        left_s = self._limit_s - self.used_s()
        wall_left_s = self._wall_end - time.monotonic()
        if left_s <= 0 or wall_left_s <= 0:
            return None
        return min(max(_SHORTEST_SLEEP_S, left_s / CORES), wall_left_s + _SHORTEST_SLEEP_S)

    def says(self) -> str:
        """Why it is over, for people."""
        if self._limit_s - self.used_s() <= 0:
            return f"over its limit of {self._limit_s:g} CPU seconds"
        return (
            f"no answer in {wall_limit_s(self._limit_s):g} s of wall time "
            f"({self.used_s():.2f} s of CPU)"
        )
