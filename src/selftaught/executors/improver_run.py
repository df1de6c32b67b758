"""An improver in its guest, served from the core's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.core.messages import (
    Asked,
    ClockRequest,
    Request,
    check_locked,
    parse_message,
)
from selftaught.core.outcome import Failed, FailureKind
from selftaught.core.ports import GuestProcess, GuestResult, Job, RequestHandler
from selftaught.executors.frames import READ_BYTES, Decoder, FrameBuffer, FrameTooLong
from selftaught.executors.limits import CORES, too_many_threads, wall_limit_s
from selftaught.executors.session import read_ending
from selftaught_guest import wire

_LONGEST_LOOK_S = 0.05
_SHORTEST_LOOK_S = 0.002
_MOST_PENDING = 64
# What is decoded on the loop itself takes it some milliseconds at the worst.
_SHORT_FRAME_BYTES = 1 << 12
# Its messages are texts, and few.
_MOST_COST = 30_000
# So many refusals in a row, and it does nothing else any more.
_MOST_REFUSED = 1_000


class _Hopeless(Exception):
    """An improver that only sends what is refused."""

    def __init__(self, failure: Failed) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class ImproverRun:
    """One guest, one call of `improve_algorithm`, any number of requests meanwhile.

    Args:
        decoding: held while a long frame is decoded, by all that share an event loop: one at a
            time, so that threads do not keep the interpreter from the loop together.
    """

    def __init__(
        self,
        guest: GuestProcess,
        job: Job,
        serve: RequestHandler,
        cpu_s: float,
        decoding: asyncio.Lock,
    ) -> None:
        self._guest = guest
        self._job = job
        self._serve = serve
        self._cpu_limit_s = cpu_s
        self._decoding = decoding
        self._decoder = Decoder(_MOST_COST)
        self._buffer = FrameBuffer(job.limits.frame_bytes)
        self._pending: set[asyncio.Task[None]] = set()
        self._pending_bytes = 0
        self._requests = 0
        self._refused = 0
        self._own_time = _OwnTime()
        self._writing = asyncio.Lock()
        self._ended: asyncio.Future[Failed] = asyncio.get_running_loop().create_future()

    async def run(self, solution: str, facts: Mapping[str, Any]) -> GuestResult:
        """Run to the end. The guest is ended whatever happens, and its requests are cancelled."""
        main = asyncio.create_task(self._converse(solution, facts))
        watch = asyncio.create_task(self._watch())
        try:
            ends: set[asyncio.Future[Any]] = {main, watch, self._ended}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            # What went wrong in serving is ours, and comes before what the guest says.
            first = next(end for end in (self._ended, main, watch) if end.done())
            return GuestResult(first.result(), self._used_s())
        finally:
            self._guest.kill()
            tasks = {main, watch, *self._pending}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._ended.cancel()

    def _used_s(self) -> float:
        return self._guest.cpu_s() + self._decoder.cpu_s

    async def _converse(self, solution: str, facts: Mapping[str, Any]) -> Any | Failed:
        try:
            program = self._job.program
            load = [program.source, program.entry, self._job.seed, self._job.limits.output_bytes]
            await self._send(("improve", load, solution, dict(facts)))
            first = await self._receive()
            if first is not None:
                check_locked(await self._decode(first))
            while (payload := await self._receive()) is not None:
                message = parse_message(await self._decode(payload))
                if not isinstance(message, Asked):
                    return message.value
                self._start(message, len(payload))
            return read_ending(await asyncio.to_thread(self._guest.report))
        except FrameTooLong as error:
            return Failed("output_limit", str(error))
        except wire.WireError as error:
            return Failed("bad_output", str(error))

    async def _decode(self, payload: memoryview) -> Any:
        if len(payload) <= _SHORT_FRAME_BYTES:
            return self._decoder.decode(payload)
        with self._own_time.paused():  # its CPU time counts, not what it waits for others
            async with self._decoding:
                return await asyncio.to_thread(self._decoder.decode, payload)

    def _start(self, asked: Asked, size: int) -> None:
        self._requests += 1
        if self._requests > self._job.limits.requests:
            raise wire.WireError(f"more than {self._job.limits.requests} requests")
        if len(self._pending) >= _MOST_PENDING:
            raise wire.WireError(f"more than {_MOST_PENDING} requests at once")
        if self._pending_bytes + size > 2 * self._job.limits.frame_bytes:
            raise wire.WireError("too many bytes of requests at once")
        task = asyncio.create_task(self._reply(asked.number, asked.request, size))
        self._pending.add(task)
        task.add_done_callback(self._finished)

    async def _reply(self, number: int, request: Request, size: int) -> None:
        self._pending_bytes += size
        with self._own_time.paused():
            reply = await self._serve(request)
        if reply.refused:
            self._refused += 1
            if self._refused >= _MOST_REFUSED:
                kind: FailureKind = "budget" if reply.refused == "budget" else "bad_output"
                said = reply.data.get("detail") or "its budget is spent"
                raise _Hopeless(
                    Failed(kind, f"{self._refused:,} requests in a row refused: {said}")
                )
        elif not isinstance(request, ClockRequest):
            self._refused = 0
        await self._send(("reply", number, dict(reply.data)))
        self._pending_bytes -= size

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._pending.discard(task)
        if task.cancelled() or (error := task.exception()) is None or self._ended.done():
            return
        if isinstance(error, _Hopeless):
            self._ended.set_result(error.failure)
        else:  # What goes wrong in serving is ours: it ends the run as an error, never as a result.
            self._ended.set_exception(error)

    async def _watch(self) -> Failed:
        """Returns when a limit is passed. The wall clock stops while the host serves a request.

        It goes on while a reply waits to be read, which is the guest's own affair.
        """
        wall_s = wall_limit_s(self._cpu_limit_s, self._job.limits)
        while True:
            left_s = self._cpu_limit_s - self._used_s()
            if left_s <= 0:
                return Failed("timeout", f"over its limit of {self._cpu_limit_s:g} CPU seconds")
            if self._own_time.elapsed_s() >= wall_s:
                return Failed("timeout", "too long by the wall clock with no request pending")
            if (failure := too_many_threads(self._guest, self._job.limits)) is not None:
                return failure
            await asyncio.sleep(min(max(_SHORTEST_LOOK_S, left_s / CORES), _LONGEST_LOOK_S))

    async def _send(self, value: Any) -> None:
        frame = wire.pack(value)
        async with self._writing:
            try:
                await asyncio.get_running_loop().sock_sendall(self._guest.socket, frame)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has ended; reading says how

    async def _receive(self) -> memoryview | None:
        """The next frame; None when the guest has ended."""
        while (payload := self._buffer.next_payload()) is None:
            try:
                part = await asyncio.get_running_loop().sock_recv(self._guest.socket, READ_BYTES)
            except ConnectionResetError:
                return None
            if not part:
                return None
            self._buffer.feed(part)
        return payload


class _OwnTime:
    """Seconds by the clock that are the guest's own: none while anything of it is served."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._since_s = time.monotonic()
        self._served = 0

    def elapsed_s(self) -> float:
        return self._elapsed_s + (0.0 if self._served else time.monotonic() - self._since_s)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        self._elapsed_s = self.elapsed_s()
        self._served += 1
        try:
            yield
        finally:
            self._served -= 1
            self._since_s = time.monotonic()
