"""How many requests a provider gets at once: adaptive, shared by all improver runs.

Additive increase, multiplicative decrease (Chiu and Jain 1989), as TCP does it: a round of answers
adds one place, "too many requests" takes three tenths of the places (CUBIC's factor, RFC 9438),
once for all that were under way. A time that the provider asks to wait holds for everybody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_DECREASE = 0.7


class AdaptiveLimit:
    """Places for requests, given in the order in which they were asked for. For one event loop."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with `most` places, and never give more at once."""
        self._most = most
        self._clock = clock
        self._allowed = float(most)
        self._in_use = 0
        self._given = 0
        self._decreased_after = 0
        self._paused_until_s = 0.0
        self._turn = asyncio.Lock()  # who holds it is the next one, and waits for a free place
        self._changed = asyncio.Event()

    @property
    def allowed(self) -> int:
        """Places at once, as it stands."""
        return max(1, int(self._allowed))

    @asynccontextmanager
    async def place(self) -> AsyncIterator[int]:
        """Wait for a place, hold it, give it back; numbered as they are given."""
        async with self._turn:
            while (pause_s := self._paused_until_s - self._clock()) > 0 or (
                self._in_use >= self.allowed
            ):
                self._changed.clear()
                await (asyncio.sleep(pause_s) if pause_s > 0 else self._changed.wait())
            self._in_use += 1
        self._given += 1
        try:
            yield self._given
        finally:
            self._in_use -= 1
            self._changed.set()

    def succeeded(self) -> None:
        """A request was answered."""
        self._allowed = min(float(self._most), self._allowed + 1.0 / self._allowed)
        self._changed.set()

    def throttled(self, place: int, wait_s: float | None = None) -> None:
        """The request in this place was one too many."""
        if place > self._decreased_after:
            self._decreased_after = self._given
            self._allowed = max(1.0, self._allowed * _DECREASE)
        if wait_s is not None:
            self._paused_until_s = max(self._paused_until_s, self._clock() + wait_s)
