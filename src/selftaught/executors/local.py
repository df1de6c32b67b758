"""The local executor: zygotes on this machine, and the slots in which guests run.

Slots are taken top-down (outer improver, inner improver, candidate), each depth with a limit of its
own, so that what waits never blocks what it waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from selftaught.core.ports import (
    CandidateSlot,
    GuestResult,
    Job,
    RequestHandler,
    Sandbox,
    Zygote,
)
from selftaught.executors.improver_run import ImproverRun
from selftaught.executors.limits import CORES
from selftaught.executors.session import GuestSession

T = TypeVar("T")

OUTER_IMPROVERS = 4
INNER_IMPROVERS = 16


class _Slot:
    """One candidate slot: a zygote that runs one guest at a time."""

    def __init__(self, zygote: Zygote, tier: str) -> None:
        self._zygote = zygote
        self.tier = tier

    def session(self, job: Job) -> GuestSession:
        return GuestSession(self._zygote, job)


class LocalExecutor:
    """Guests on this machine, in one tier of the sandbox."""

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        candidates: int = CORES,
        outer: int = OUTER_IMPROVERS,
        inner: int = INNER_IMPROVERS,
    ) -> None:
        self._sandbox = sandbox
        self._candidates = candidates
        self._depths = (asyncio.Semaphore(outer), asyncio.Semaphore(inner))
        self._improver_guests = outer + inner
        self._zygotes: list[Zygote] = []
        self._slots: asyncio.Queue[_Slot] = asyncio.Queue()
        self._tool_zygote: Zygote | None = None
        self._tools: dict[str, list[GuestSession]] = {}
        self._tool_places = asyncio.Semaphore(candidates)
        self._threads = ThreadPoolExecutor(2 * candidates + 4, thread_name_prefix="guest")

    @property
    def tier(self) -> str:
        return self._sandbox.tier

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[LocalExecutor]:
        """Start the zygotes, and end them with all their guests."""
        try:
            await self._start()
            yield self
        finally:
            await self._stop()

    async def _start(self) -> None:
        # On this thread, which lives as long as they shall; then wait for all at once.
        for _ in range(self._candidates):
            self._zygotes.append(self._sandbox.start())
        self._improver_zygote = self._sandbox.start(guests=self._improver_guests)
        self._zygotes.append(self._improver_zygote)
        self._tool_zygote = self._sandbox.start(guests=self._candidates)
        self._zygotes.append(self._tool_zygote)
        await asyncio.gather(*(self._in_thread(zygote.ready) for zygote in self._zygotes))
        for zygote in self._zygotes[: self._candidates]:
            self._slots.put_nowait(_Slot(zygote, self.tier))

    async def _stop(self) -> None:
        for sessions in self._tools.values():
            for session in sessions:
                session.close()
        self._tools.clear()
        await asyncio.gather(*(self._in_thread(zygote.close) for zygote in self._zygotes))
        self._zygotes.clear()
        self._threads.shutdown(wait=True)

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        """Run blocking work, and see it through even if the caller is cancelled meanwhile.

        A thread cannot be stopped; what it uses (a slot, a guest) must not be given back before it
        has ended. Its guests have limits, so this takes no longer than they allow.
        """
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            await asyncio.wait({future})
            raise

    async def evaluate(self, work: Callable[[CandidateSlot], T]) -> T:
        slot = await self._slots.get()
        try:
            return await self._in_thread(work, slot)
        finally:
            self._slots.put_nowait(slot)

    async def improve(
        self,
        job: Job,
        solution: str,
        facts: Mapping[str, Any],
        *,
        depth: int,
        cpu_s: float,
        serve: RequestHandler,
    ) -> GuestResult:
        async with self._depths[depth]:
            guest = await self._in_thread(self._improver_zygote.fork, job.limits)
            try:
                guest.socket.setblocking(False)
                return await ImproverRun(guest, job, serve, cpu_s).run(solution, facts)
            finally:
                guest.close()

    async def call(self, job: Job, args: Sequence[Any], *, cpu_s: float, seed: int) -> Any:
        async with self._tool_places:
            idle = self._tools.setdefault(job.program.id, [])
            assert self._tool_zygote is not None
            session = idle.pop() if idle else GuestSession(self._tool_zygote, job)
            try:
                return await self._in_thread(lambda: session.call(args, cpu_s=cpu_s, seed=seed))
            finally:
                idle.append(session)
