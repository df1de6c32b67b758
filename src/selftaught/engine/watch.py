"""How long a user's utility has been at it by itself, and where it is just now."""

from __future__ import annotations

import asyncio
import dis
import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import FrameType

from selftaught.core.blame import own_place

_CACHE, _GET_AWAITABLE = dis.opmap["CACHE"], dis.opmap["GET_AWAITABLE"]


class Watch:
    """The time by the clock that the thread of one evaluation takes, the program's calls aside.

    Begun and stopped by the evaluation's thread, read by the loop's.
    """

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._paused_s: float | None = None
        self._thread = 0

    def begin(self) -> None:
        self._thread = threading.get_ident()
        self._since_s = time.monotonic()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """While the program runs."""
        self._paused_s = paused_s = time.monotonic()
        try:
            yield
        finally:
            assert self._since_s is not None
            self._since_s += time.monotonic() - paused_s
            self._paused_s = None

    @property
    def own_s(self) -> float:
        """Seconds so far; 0 before it begins."""
        since_s, paused_s = self._since_s, self._paused_s
        if since_s is None:
            return 0.0
        return (time.monotonic() if paused_s is None else paused_s) - since_s

    def where(self, file: Path | None) -> tuple[Path, int] | None:
        """File and line that its thread is at: the innermost of the user's own, or of all."""
        frame = sys._current_frames().get(self._thread)
        if frame is None:
            return None
        frames = traceback.extract_stack(frame)
        return own_place(frames, file) or (Path(frames[-1].filename), frames[-1].lineno or 0)

    @asynccontextmanager
    async def at_most(self, limit_s: float) -> AsyncIterator[None]:
        """Raises TimeoutError in the block, if it takes longer by itself."""
        loop = asyncio.get_running_loop()
        next_look: asyncio.TimerHandle
        async with asyncio.timeout(None) as timeout:

            def look() -> None:
                nonlocal next_look
                left_s = limit_s - self.own_s
                if left_s <= 0:
                    timeout.reschedule(loop.time())
                else:
                    next_look = loop.call_later(max(left_s, 0.01), look)

            next_look = loop.call_later(limit_s, look)
            try:
                yield
            finally:
                next_look.cancel()


def is_awaited(frame: FrameType) -> bool:
    """Whether a call that is under way stands right behind an `await` of its caller.

    In an async utility `program(x)` is the value, as everywhere, and `await program(x)` is the
    value, too: None, a bool or an array cannot be both, so the instruction after the call decides.
    """
    if asyncio._get_running_loop() is None:
        return False
    code = frame.f_code.co_code
    after = frame.f_lasti + 2
    while code[after] == _CACHE:
        after += 2
    return code[after] == _GET_AWAITABLE
