"""The core's own thread, with its event loop: it lives as long as the process.

So the plain functions work in a script, in a test and in a notebook whose loop is running, and the
kernel, which ends a zygote with the thread that started it, ends it with the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, wait
from typing import Any, Generic, TypeVar

from selftaught.core.errors import ConfigError
from selftaught.core.task_place import refuse_while_loading

T = TypeVar("T")


class _Core:
    """The thread, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                import uvloop  # not before a loop is needed: --help does without

                self._loop = uvloop.new_event_loop()
                run = self._loop.run_forever
                threading.Thread(target=run, name="selftaught", daemon=True).start()
            return self._loop


_core = _Core()


class _Submitted(Generic[T]):
    """Work on the core's loop. `ended` gets the outcome when all has been put away, not before."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self.ended: Future[T] = Future()
        self._work = work
        self._loop = _core.loop()
        self._task: asyncio.Task[T] | None = None
        self._loop.call_soon_threadsafe(self._start)

    def cancel(self) -> None:
        """Ask it to end; from any thread, after which `ended` is to be waited for."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _start(self) -> None:
        self._task = self._loop.create_task(self._work)
        self._task.add_done_callback(self._finish)

    def _cancel(self) -> None:
        assert self._task is not None  # `_start` was scheduled before
        self._task.cancel()

    def _finish(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.ended.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(task.result())


def _submit(work: Coroutine[Any, Any, T]) -> _Submitted[T]:
    try:
        refuse_while_loading()
    except ConfigError:
        work.close()
        raise
    return _Submitted(work)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end from a plain thread. Ctrl-C cancels, waits until all is put away, and raises.

    A second Ctrl-C does not wait.
    """
    submitted = _submit(work)
    try:
        return submitted.ended.result()
    except KeyboardInterrupt:
        submitted.cancel()
        wait([submitted.ended])
        raise


async def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end from any event loop; cancelling waits until all is put away."""
    submitted = _submit(work)
    ended = asyncio.wrap_future(submitted.ended)
    try:
        return await asyncio.shield(ended)
    except asyncio.CancelledError:
        submitted.cancel()
        await asyncio.wait({ended})
        ended.exception()  # seen
        raise
