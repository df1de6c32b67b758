"""An improver in its guest, served from the core's event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from selftaught.core.outcome import Failed
from selftaught.core.ports import GuestProcess, GuestResult, Job, RequestHandler
from selftaught.executors.frames import READ_BYTES, FrameBuffer, FrameTooLong
from selftaught.executors.limits import CORES, too_many_threads, wall_limit_s
from selftaught.executors.session import check_locked, read_answer, read_ending
from selftaught_guest import wire

_LONGEST_LOOK_S = 0.25
_SHORTEST_LOOK_S = 0.002
_MOST_PENDING = 64


class ImproverRun:
    """One guest, one call of `improve_algorithm`, any number of requests meanwhile."""

    def __init__(self, guest: GuestProcess, job: Job, serve: RequestHandler, cpu_s: float) -> None:
        self._guest = guest
        self._job = job
        self._serve = serve
        self._cpu_limit_s = cpu_s
        self._buffer = FrameBuffer(job.limits.frame_bytes)
        self._pending: set[asyncio.Task[None]] = set()
        self._pending_bytes = 0
        self._requests = 0
        self._in_service = 0
        self._writing = asyncio.Lock()
        self._served: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self, solution: str, facts: Mapping[str, Any]) -> GuestResult:
        """Run to the end. The guest is ended whatever happens, and its requests are cancelled."""
        main = asyncio.create_task(self._converse(solution, facts))
        watch = asyncio.create_task(self._watch())
        try:
            ends: set[asyncio.Future[Any]] = {main, watch, self._served}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if self._served.done():
                self._served.result()
            value = main.result() if main.done() else watch.result()
            return GuestResult(value, self._guest.cpu_s())
        finally:
            self._guest.kill()
            tasks = {main, watch, *self._pending}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._served.cancel()

    async def _converse(self, solution: str, facts: Mapping[str, Any]) -> Any | Failed:
        try:
            program = self._job.program
            load = [program.source, program.entry, self._job.seed, self._job.limits.output_bytes]
            await self._send(("improve", load, solution, dict(facts)))
            if (first := await self._receive()) is not None:
                check_locked(first)
            while True:
                message = await self._receive()
                match message:
                    case ("request", int(request_id), dict(request)):
                        self._start(request_id, request)
                    case None:
                        return read_ending(await asyncio.to_thread(self._guest.report))
                    case _:
                        return read_answer(message)
        except FrameTooLong as error:
            return Failed("output_limit", str(error))
        except wire.WireError as error:
            return Failed("bad_output", str(error))

    def _start(self, request_id: int, request: Mapping[str, Any]) -> None:
        self._requests += 1
        if self._requests > self._job.limits.requests:
            raise wire.WireError(f"more than {self._job.limits.requests} requests")
        if len(self._pending) >= _MOST_PENDING:
            raise wire.WireError(f"more than {_MOST_PENDING} requests at once")
        size = self._buffer.last_frame_bytes
        if self._pending_bytes + size > 2 * self._job.limits.frame_bytes:
            raise wire.WireError("too many bytes of requests at once")
        task = asyncio.create_task(self._reply(request_id, request, size))
        self._pending.add(task)
        task.add_done_callback(self._finished)

    async def _reply(self, request_id: int, request: Mapping[str, Any], size: int) -> None:
        self._in_service += 1
        self._pending_bytes += size
        try:
            reply = await self._serve(request)
        finally:
            self._in_service -= 1
        await self._send(("reply", request_id, dict(reply)))
        self._pending_bytes -= size

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._pending.discard(task)
        # What goes wrong in serving is ours: it ends the run as an error, never as a result.
        if not task.cancelled() and (error := task.exception()) and not self._served.done():
            self._served.set_exception(error)

    async def _watch(self) -> Failed:
        """Returns when a limit is passed. The wall clock stops while the host serves a request.

        It goes on while a reply waits to be read, which is the guest's own affair.
        """
        wall_left_s = wall_limit_s(self._cpu_limit_s, self._job.limits)
        while True:
            left_s = self._cpu_limit_s - self._guest.cpu_s()
            if left_s <= 0:
                return Failed("timeout", f"over its limit of {self._cpu_limit_s:g} CPU seconds")
            if wall_left_s <= 0:
                return Failed("timeout", "too long by the wall clock with no request pending")
            if (failure := too_many_threads(self._guest, self._job.limits)) is not None:
                return failure
            look_s = min(max(_SHORTEST_LOOK_S, left_s / CORES), _LONGEST_LOOK_S)
            await asyncio.sleep(look_s)
            if not self._in_service:
                wall_left_s -= look_s

    async def _send(self, value: Any) -> None:
        frame = wire.pack(value)
        async with self._writing:
            try:
                await asyncio.get_running_loop().sock_sendall(self._guest.socket, frame)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has ended; reading says how

    async def _receive(self) -> Any:
        """The next value; None when the guest has ended."""
        while True:
            found = self._buffer.next_value()
            if found is not None:
                if found[0] is None:
                    raise wire.WireError("the guest sent a frame that is no message")
                return found[0]
            try:
                part = await asyncio.get_running_loop().sock_recv(self._guest.socket, READ_BYTES)
            except ConnectionResetError:
                return None
            if not part:
                return None
            self._buffer.feed(part)
