"""How many requests a provider gets at once: adaptive, shared by all improver runs.

Additive increase, multiplicative decrease (Chiu and Jain 1989), as TCP does it: a round of answers
adds one place, "too many requests" takes three tenths of the places (CUBIC's factor, RFC 9438),
once for all that were under way. A time that the provider asks to wait holds for everybody.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
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
        self._alarm: asyncio.TimerHandle | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def allowed(self) -> int:
        """Places at once, as it stands."""
        return max(1, int(self._allowed))

    @asynccontextmanager
    async def place(self) -> AsyncIterator[int]:
        """Wait for a place, hold it, give it back; numbered as they are given."""
        if self._waiting or not self._is_free(self._pause_s):
            await self._wait()
        else:
            self._in_use += 1
        self._given += 1
        try:
            yield self._given
        finally:
            self._in_use -= 1
            self._hand_out()

    def succeeded(self) -> None:
        """A request was answered."""
        self._allowed = min(float(self._most), self._allowed + 1.0 / self._allowed)
        self._hand_out()

    def throttled(self, place: int, wait_s: float | None = None) -> None:
        """The request in this place was one too many."""
        if place > self._decreased_after:
            self._decreased_after = self._given
            self._allowed = max(1.0, self._allowed * _DECREASE)
        if wait_s is not None:
            self._paused_until_s = max(self._paused_until_s, self._clock() + wait_s)

    @property
    def _pause_s(self) -> float:
        return self._paused_until_s - self._clock()

    def _is_free(self, pause_s: float) -> bool:
        return self._in_use < self.allowed and pause_s <= 0

    async def _wait(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._hand_out()  # sets the alarm of a pause
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # given in the same moment
                self._in_use -= 1
            elif turn in self._waiting:  # where a place was handed out since, it was passed over
                self._waiting.remove(turn)
            self._hand_out()
            raise

    def _hand_out(self) -> None:
        pause_s = self._pause_s  # read once: where it ends in between, nobody would set the alarm
        while self._waiting and self._is_free(pause_s):
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_use += 1
                turn.set_result(None)
        if self._waiting and pause_s > 0:
            if self._alarm is not None:
                self._alarm.cancel()
            self._alarm = asyncio.get_running_loop().call_later(pause_s, self._hand_out)
