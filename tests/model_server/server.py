"""The provider on a port and a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from aiohttp import web

from model_server.ledger import Counts, Ledger, Served
from model_server.plans import Plan, none
from model_server.provider import Provider
from model_server.replies import Reply, last_program

_STOP_S = 10.0


class ModelServer:
    """A context manager that serves between its start and its end; used once.

    At its end it aborts the connections that are open, waits for its thread, and raises what a
    plan or a reply raised meanwhile. `served` and `counts` are there afterwards too.

    Args:
        plan: which request gets which fault. It and `reply` run on the server's event loop, so
            they must not block.
        reply: text of one sample, of (number of the request, body, index of the sample).
        latency_s: seconds that every answer takes; refusals come at once.
        models: what `GET /v1/models` lists. Any name is served.
        host, port: where to listen; port 0 takes a free one.
        keep_served: False keeps only the counts, for long runs.
    """

    def __init__(
        self,
        *,
        plan: Plan = none,
        reply: Reply = last_program,
        latency_s: float = 0.0,
        models: Sequence[str] = ("scripted",),
        host: str = "127.0.0.1",
        port: int = 0,
        keep_served: bool = True,
    ) -> None:
        self._ledger = Ledger(keep=keep_served)
        self._provider = Provider(
            plan=plan, reply=reply, latency_s=latency_s, models=models, ledger=self._ledger
        )
        self._host = host
        self._port = port
        self._started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=self._run, name="model-server", daemon=True)

    @property
    def root_url(self) -> str:
        """Without a path: what Azure's client calls its endpoint."""
        return f"http://{self._host}:{self._port}"

    @property
    def base_url(self) -> str:
        """For clients of OpenAI."""
        return f"{self.root_url}/v1"

    @property
    def anthropic_url(self) -> str:
        """For clients of Anthropic."""
        return self.root_url

    @property
    def served(self) -> list[Served]:
        """The requests that have ended, by number; a copy. Safe from any thread."""
        return self._ledger.served()

    def counts(self) -> Counts:
        """Sums of what was served. Safe from any thread."""
        return self._ledger.counts()

    def wait_until_idle(self, timeout_s: float = 5.0) -> None:
        """Block until no request is under way, such as one whose client just left.

        Raises: TimeoutError if one still is.
        """
        if not self._ledger.wait_until_idle(timeout_s):
            raise TimeoutError(f"{self.counts().under_way} requests are still under way")

    def start(self) -> None:
        """Return when it listens. Raises: OSError if it cannot."""
        self._thread.start()
        try:
            self._started.result()
        except OSError:
            self._thread.join()
            raise

    def stop(self) -> None:
        """Abort what is open, and return when the thread has ended. Harmless a second time."""
        if self._thread.is_alive():
            loop, stop = self._started.result()
            loop.call_soon_threadsafe(stop.set)
            self._thread.join(_STOP_S)
        if self._thread.is_alive():
            raise TimeoutError("the server does not stop: does its plan or its reply block?")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        if error is None and self._provider.errors:
            raise self._provider.errors[0]

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        server = web.Server(self._provider.handle, handler_cancellation=True, access_log=None)
        try:
            listener = await loop.create_server(server, self._host, self._port, backlog=1024)
        except (OSError, OverflowError) as error:
            self._started.set_exception(OSError(f"cannot listen at {self.root_url}: {error}"))
            return
        self._port = listener.sockets[0].getsockname()[1]
        self._started.set_result((loop, stop))
        await stop.wait()
        self._provider.stopping = True
        listener.close()
        for connection in server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        while server.connections:  # noqa: ASYNC110 - aiohttp has no event for it
            await asyncio.sleep(0.001)
