"""Threads for blocking work that may never end.

A user's utility runs in the host, and Python cannot stop a thread. The standard pool's threads keep
the process alive until their work has ended; these do not.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from selftaught.core.errors import InfrastructureError

P = ParamSpec("P")
T = TypeVar("T")

_JOIN_S = 1.0


class DaemonThreads(Executor):
    """A thread for each piece of work, which takes 0.1 ms to start; `shutdown` waits a moment."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._threads: set[threading.Thread] = set()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - whoever waits gets it
                future.set_exception(error)
            except BaseException as error:  # noqa: BLE001
                # As it is it would end the event loop of whoever waits.
                future.set_exception(InfrastructureError(f"work on a thread ended by {error!r}"))
            finally:
                self._threads.discard(threading.current_thread())

        future.set_running_or_notify_cancel()
        thread = threading.Thread(target=work, name=self._name, daemon=True)
        self._threads.add(thread)
        thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        end_s = time.monotonic() + _JOIN_S
        for thread in [*self._threads] if wait else ():
            thread.join(max(0.0, end_s - time.monotonic()))
