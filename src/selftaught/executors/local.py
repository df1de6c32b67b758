"""The local executor: zygotes on this machine, and the slots in which guests run.

Slots are taken top-down (outer improver, inner improver, candidate), each depth with a limit of its
own, so that what waits never blocks what it waits for.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

from selftaught.core.errors import InfrastructureError
from selftaught.core.guest_modules import FOR_IMPROVERS
from selftaught.core.outcome import EvaluationOutcome, Failed
from selftaught.core.ports import (
    Evaluation,
    ExecutorServices,
    GuestLimits,
    GuestProcess,
    GuestResult,
    Job,
    RequestHandler,
    Sandbox,
    Zygote,
)
from selftaught.engine.evaluate import evaluate_watched
from selftaught.executors.daemon_threads import DaemonThreads
from selftaught.executors.guest_memory import (
    INNER_IMPROVERS,
    OUTER_IMPROVERS,
    places_here,
    tool_limits,
)
from selftaught.executors.improver_run import ImproverRun
from selftaught.executors.limits import CORES
from selftaught.executors.probe import choose
from selftaught.executors.session import GuestSession

T = TypeVar("T")

# What a cancelled evaluation gets to put itself away in; then it is left to itself.
_LEAVE_S = 1.0


class _Slot:
    """One candidate slot: a zygote that runs one guest at a time, for one thread."""

    def __init__(self, zygote: Zygote, executor: LocalExecutor) -> None:
        self._zygote = zygote
        self._executor = executor
        self._sessions: list[GuestSession] = []
        self._spares: list[_Slot] = []
        self._aborted = False

    @property
    def tier(self) -> str:
        return self._executor.tier

    def session(self, job: Job) -> GuestSession:
        session = GuestSession(self._zygote, job)
        self._sessions.append(session)
        if self._aborted:
            session.abort()
        return session

    @contextlib.contextmanager
    def spares(self, most: int) -> Iterator[list[_Slot]]:
        self._spares = taken = self._executor.take_idle(most)
        try:
            if self._aborted:
                self.abort()
            yield taken
        finally:
            self._spares = []
            self._executor.give_back(taken)

    def abort(self) -> None:
        """From another thread: end the guests, and let the evaluation open no others."""
        self._aborted = True
        for session in list(self._sessions):
            session.abort()
        for spare in list(self._spares):
            spare.abort()

    def renew(self) -> None:
        """A new evaluation begins."""
        self._aborted = False
        self._sessions = []


class _ToolPlace:
    """Room for one guest that runs a program of ours, and is kept warm for the next call of it."""

    def __init__(self, zygote: Zygote) -> None:
        self._zygote = zygote
        self._session: GuestSession | None = None
        self.job: Job | None = None

    def session(self, job: Job) -> GuestSession:
        """One of that program; another's is closed."""
        if self._session is None or self.job != job:
            self.close()
            self._session, self.job = GuestSession(self._zygote, job), job
        return self._session

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        self._session = self.job = None


class LocalExecutor:
    """Guests on this machine, in one tier of the sandbox.

    Args:
        candidates, outer, inner, tools: the most guests of each kind at once; tools are as many as
            candidates by default. A guest beyond them waits. One that is started ahead of its
            program is not counted: it has no memory of its own yet.
        limits: of the run's guests, which tools keep to as well.
        zygote: one for candidates that is ready already; it is closed with the others.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        candidates: int = CORES,
        outer: int = OUTER_IMPROVERS,
        inner: int = INNER_IMPROVERS,
        tools: int | None = None,
        limits: GuestLimits | None = None,
        zygote: Zygote | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._candidates = candidates
        self._improvers = (outer, inner)
        self._depths = (asyncio.Semaphore(outer), asyncio.Semaphore(inner))
        self._zygotes: list[Zygote] = [] if zygote is None else [zygote]
        self._idle: asyncio.LifoQueue[_Slot] = asyncio.LifoQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tools = candidates if tools is None else tools
        self._tool_limits = tool_limits(limits or GuestLimits())
        self._idle_tools: list[_ToolPlace] = []
        self._tool_places = asyncio.Semaphore(self._tools)
        self._threads = DaemonThreads(candidates + self._tools + 4, "guest")
        self._decoding = asyncio.Lock()

    @property
    def tier(self) -> str:
        return self._sandbox.tier

    @property
    def candidates(self) -> int:
        return self._candidates

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
        ready = len(self._zygotes)
        for _ in range(self._candidates - ready):
            self._zygotes.append(self._sandbox.start())
        if any(self._improvers):
            self._improver_zygote = self._sandbox.start(
                guests=sum(self._improvers), modules=FOR_IMPROVERS
            )
            self._zygotes.append(self._improver_zygote)
        tool_zygote = self._sandbox.start(guests=self._tools)
        self._zygotes.append(tool_zygote)
        self._idle_tools = [_ToolPlace(tool_zygote) for _ in range(self._tools)]
        await asyncio.gather(*(self._in_thread(zygote.ready) for zygote in self._zygotes[ready:]))
        self._loop = asyncio.get_running_loop()
        for zygote in self._zygotes[: self._candidates]:
            self._put_back([_Slot(zygote, self)])

    async def _stop(self) -> None:
        for place in self._idle_tools:
            place.close()
        await asyncio.gather(*(self._in_thread(zygote.close) for zygote in self._zygotes))
        self._zygotes.clear()
        self._threads.shutdown(wait=True)

    async def _in_thread(
        self,
        work: Callable[..., T],
        *args: Any,
        abort: Callable[[], None] | None = None,
        undo: Callable[[T], None] | None = None,
    ) -> T:
        """Run blocking work, and see it through even if the caller is cancelled meanwhile.

        A thread cannot be stopped; what it uses (a slot, a guest) must not be given back before it
        has ended. `abort` hurries it, `undo` gives back what it made for a caller who has gone.
        """
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if abort is not None:
                abort()
            await asyncio.wait({future})
            # An exception is seen here: the caller no longer asks.
            if not future.cancelled() and future.exception() is None and undo is not None:
                undo(future.result())
            raise

    async def evaluate(self, evaluation: Evaluation) -> EvaluationOutcome:
        return await evaluate_watched(evaluation, self._in_slot)

    async def _in_slot(self, work: Callable[[_Slot], T]) -> T:
        """Run blocking work on a thread, with a candidate slot of its own."""
        slot = await self._idle.get()
        slot.renew()
        future = asyncio.get_running_loop().run_in_executor(self._threads, work, slot)

        def ended(future: asyncio.Future[T]) -> None:
            self._put_back([slot])
            if not future.cancelled():
                future.exception()  # seen here: the caller may have gone

        future.add_done_callback(ended)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            slot.abort()
            # A utility that hangs keeps its thread and its slot, and holds up nobody else.
            await asyncio.wait({future}, timeout=_LEAVE_S)
            raise

    def take_idle(self, most: int) -> list[_Slot]:
        """Slots that no evaluation holds or waits for; for calls from an evaluation's thread."""

        async def take() -> list[_Slot]:
            taken: list[_Slot] = []
            while len(taken) < most and not self._idle.empty():
                taken.append(self._idle.get_nowait())
                taken[-1].renew()
            return taken

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(take(), self._loop).result()

    def give_back(self, slots: list[_Slot]) -> None:
        """The other half of `take_idle`."""
        if slots:
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._put_back, slots)

    def _put_back(self, slots: list[_Slot]) -> None:
        for slot in slots:
            self._idle.put_nowait(slot)

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
        assert self._improvers[depth], "an executor without improvers of this depth"
        async with self._depths[depth]:
            guest = await self._in_thread(
                self._improver_zygote.fork, job.limits, undo=lambda unused: unused.close()
            )
            try:
                guest.socket.setblocking(False)
                return await ImproverRun(guest, job, serve, cpu_s, self._decoding).run(
                    solution, facts
                )
            finally:
                await self._in_thread(_end, guest)

    async def load(self, job: Job) -> Failed | None:
        def work(slot: _Slot) -> Failed | None:
            session = slot.session(job)
            try:
                return session.load()
            finally:
                session.close()

        return await self._in_slot(work)

    async def call(self, job: Job, args: Sequence[Any], *, cpu_s: float, seed: int) -> Any:
        job = replace(job, limits=self._tool_limits)
        async with self._tool_places:
            # One that is warm with this program, else one that is empty, else the longest idle.
            place = min(self._idle_tools, key=lambda one: (one.job != job, one.job is not None))
            self._idle_tools.remove(place)
            session = place.session(job)
            try:
                return await self._in_thread(
                    lambda: session.call(args, cpu_s=cpu_s, seed=seed), abort=session.abort
                )
            except BaseException:
                place.close()  # it may have been aborted
                raise
            finally:
                self._idle_tools.append(place)


@contextlib.asynccontextmanager
async def create(services: ExecutorServices) -> AsyncIterator[LocalExecutor]:
    """One that is running, in the best tier that works here.

    Raises: SandboxUnavailable; ConfigError.
    """
    places = places_here(services)
    sandbox, zygote = choose(services.sandboxes)
    executor = LocalExecutor(sandbox, limits=services.limits, zygote=zygote, **asdict(places))
    async with executor.running() as local:
        yield local


def _end(guest: GuestProcess) -> None:
    """Wait until a guest is gone: only then there is room for another."""
    guest.kill()
    with contextlib.suppress(InfrastructureError):  # the next fork says what is wrong
        guest.report()
    guest.close()
