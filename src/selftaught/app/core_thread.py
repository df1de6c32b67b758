"""The core's own thread, with its event loop: it lives as long as the process.

So the plain functions work in a script, in a test and in a notebook whose loop is running, and the
kernel, which ends a zygote with the thread that started it, ends it with the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class _Core:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=self._loop.run_forever, name="selftaught", daemon=True
                )
                thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)


_core = _Core()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end from a plain thread. Ctrl-C cancels, waits until all is put away, and raises.

    A second Ctrl-C does not wait.
    """
    ended = threading.Event()

    async def wrapped() -> T:
        try:
            return await work
        finally:
            ended.set()

    future = _core.submit(wrapped())
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        ended.wait()
        raise


async def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end from any event loop; cancelling waits until all is put away."""
    ended = asyncio.Event()
    here = asyncio.get_running_loop()

    async def wrapped() -> T:
        try:
            return await work
        finally:
            here.call_soon_threadsafe(ended.set)

    future = _core.submit(wrapped())
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        await ended.wait()
        raise
