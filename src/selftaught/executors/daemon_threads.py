"""Threads for blocking work that may never end.

A user's utility runs in the host, and Python cannot stop a thread. The standard pool's threads keep
the process alive until their work has ended; these do not.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeAlias, TypeVar

from selftaught.core.errors import InfrastructureError

P = ParamSpec("P")
T = TypeVar("T")

_Work: TypeAlias = tuple["Future[Any]", Callable[[], Any]]

_JOIN_S = 1.0


class DaemonThreads(Executor):
    """A pool of threads, started when they are needed; `submit` is for one thread at a time.

    A thread for each piece of work would be simpler, and would lose signals: a thread that starts
    another while a signal to the process is on its way takes it, and the main thread sleeps on.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._queue: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        self._queue.put((future, lambda: fn(*args, **kwargs)))
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
            name = f"{self._name}-{len(self._threads)}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end that are idle, and wait a moment for those that are not."""
        for _ in self._threads:
            self._queue.put(None)
        end_s = time.monotonic() + _JOIN_S
        for thread in self._threads if wait else ():
            thread.join(max(0.0, end_s - time.monotonic()))

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            future, call = work
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except Exception as error:  # noqa: BLE001 - whoever waits gets it
                    future.set_exception(error)
                except BaseException as error:  # noqa: BLE001
                    # As it is it would end the event loop of whoever waits.
                    future.set_exception(
                        InfrastructureError(f"work on a thread ended by {error!r}")
                    )
            del work, future, call  # what it holds must not wait for the next
            self._idle.release()
