"""Follows a store: one look at what is new a moment, however many pages are open."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from selftaught.core.errors import SelfTaughtError
from selftaught.journal.codec import Event
from selftaught.journal.location import locate
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.web.ui.glance import KINDS, Glance

T = TypeVar("T")

TICK_S = 0.4
_LOCKS_EVERY = 3  # ticks: a run that was killed says nothing
_log = logging.getLogger(__name__)


def _add(glance: Glance, event: Event) -> None:
    """What no run says is passed over: other runs and events can be told all the same."""
    try:
        glance.add(event)
    except Exception as error:  # noqa: BLE001 - a journal may say it
        _log.warning("event %d of run %s cannot be told: %r", event.seq, event.run_id, error)


def reader_of(store: str) -> JournalReader | None:
    """A reader of the store; None as long as there is nothing in it.

    Raises: ConfigError if it is no store of ours.
    """
    return open_reader(store) if locate(store).holds_something() else None


class Watcher:
    """The runs of a store, as they go on.

    Attributes:
        store: its URL, with a password if it has one: for commands, and for no page.
        shown: the same for people.
        problem: why it cannot be read, at the moment.
        version: rises with whatever has changed.
    """

    def __init__(self, store: str) -> None:
        self.store = store
        self.location = locate(store)
        self.shown = self.location.url
        self.problem = ""
        self.version = 0
        self._reader = reader_of(store)
        self._glances: dict[str, Glance] = {}
        self._seq = 0
        self._states: dict[str, str] = {}
        self._waiting = 0
        self._looked_s = -math.inf
        self._wanted = asyncio.Event()
        self._changed = asyncio.Condition()
        self._adding = threading.Lock()
        self._loads: dict[str, asyncio.Task[Glance]] = {}
        self._all: asyncio.Task[None] | None = None
        # What takes long has a thread by itself, so that what is new is seen meanwhile.
        self._quick, self._loading, self._slow = (
            ThreadPoolExecutor(1, f"selftaught-ui-{name}") for name in ("quick", "load", "slow")
        )
        self._slow_reader: JournalReader | None = None

    async def follow(self) -> None:
        """Look at what is new as long as somebody waits for it, until cancelled."""
        ticks = 0
        while True:
            await self._wanted.wait()
            ticks += 1
            looks = ticks % _LOCKS_EVERY == 0
            if await self._quickly(partial(self._look, locks=looks)):
                await self.touch()
            await asyncio.sleep(TICK_S)

    async def touch(self) -> None:
        """Something has changed."""
        async with self._changed:
            self.version += 1
            self._changed.notify_all()

    async def change(self, seen: int, timeout_s: float) -> int:
        """Wait for something newer than a version; the version then."""
        self._waiting += 1
        self._wanted.set()
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self.version > seen)
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._wanted.clear()
        return self.version

    async def _quickly(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._quick, work)

    async def slowly(self, work: Callable[[JournalReader], T]) -> T:
        """Work on all events of a run; one at a time. Raises: LookupError without any run."""

        def do() -> T:
            if self._slow_reader is None:
                self._slow_reader = reader_of(self.store)
            if self._slow_reader is None:
                raise LookupError("there are no runs yet")
            return work(self._slow_reader)

        return await asyncio.get_running_loop().run_in_executor(self._slow, do)

    def close(self) -> None:
        for task in (*self._loads.values(), *([self._all] if self._all else [])):
            task.cancel()
        for thread in (self._quick, self._loading, self._slow):
            thread.shutdown(wait=True, cancel_futures=True)
        for reader in (self._reader, self._slow_reader):
            if reader is not None:
                reader.close()

    async def glance(self, run_id: str, within_s: float = math.inf) -> Glance | None:
        """What a run comes to so far; None if that takes longer. It is then told as a change."""
        await self._see()
        found = self._glances.get(run_id)
        if found is not None:
            return found
        task = self._loads.get(run_id)
        if task is None:
            loop = asyncio.get_running_loop()
            task = loop.create_task(self._load_and_tell(run_id))
            self._loads[run_id] = task
            task.add_done_callback(lambda _: self._loads.pop(run_id, None))
        await asyncio.wait({task}, timeout=None if within_s == math.inf else within_s)
        return task.result() if task.done() else None

    async def all_known(self, run_ids: Sequence[str], within_s: float) -> bool:
        """Sum up these runs, one after another; whether that is done by now."""
        await self._see()
        if all(one in self._glances for one in run_ids):
            return True
        if self._all is None or self._all.done():
            self._all = asyncio.get_running_loop().create_task(self._sum_up(run_ids))
        await asyncio.wait({self._all}, timeout=within_s)
        return self._all.done()

    async def _see(self) -> None:
        """What is new is known, though nobody may follow it."""
        if time.monotonic() > self._looked_s + TICK_S:
            await self._quickly(partial(self._look, locks=False))

    async def _sum_up(self, run_ids: Sequence[str]) -> None:
        told_s = time.monotonic()
        for run_id in run_ids:
            await self._load(run_id)
            if time.monotonic() > told_s + TICK_S:
                await self.touch()
                told_s = time.monotonic()
        await self.touch()

    async def _load_and_tell(self, run_id: str) -> Glance:
        found = await self._load(run_id)
        await self.touch()
        return found

    async def _load(self, run_id: str) -> Glance:
        return await asyncio.get_running_loop().run_in_executor(self._loading, self._summed, run_id)

    def known(self, run_id: str) -> Glance | None:
        """What was summed up already."""
        return self._glances.get(run_id)

    async def runs(self) -> list[str]:
        """Ids of all runs, newest first."""
        return await self._quickly(lambda: [] if self.reader is None else self.reader.runs())

    async def find(self, prefix: str) -> str | None:
        """As `JournalReader.find_run`. Raises: ConfigError."""
        return await self._quickly(lambda: self.reader.find_run(prefix) if self.reader else None)

    # --- on other threads -------------------------------------------------------------------------

    @property
    def reader(self) -> JournalReader | None:
        if self._reader is None:
            self._reader = reader_of(self.store)
        return self._reader

    def _summed(self, run_id: str) -> Glance:
        if run_id in self._glances:
            return self._glances[run_id]
        found = Glance(run_id)
        reader = self.reader
        assert reader is not None  # or nobody would know of the run
        for event in reader.events(run_id, KINDS):
            _add(found, event)
        with self._adding:  # what came meanwhile, before anything later is added
            for event in reader.events(run_id, KINDS, after=found.seq):
                _add(found, event)
            self._glances[run_id] = found
        return found

    def _look(self, *, locks: bool) -> bool:
        """Whether there is anything new."""
        changed = False
        self._looked_s = time.monotonic()
        try:
            if self.reader is None:
                return False
            with self._adding:
                for event in self.reader.news(self._seq, KINDS):
                    self._seq = event.seq
                    changed = True
                    if event.run_id in self._glances:
                        _add(self._glances[event.run_id], event)
            changed = (locks and self._look_at_locks()) or changed or bool(self.problem)
            self.problem = ""
        except SelfTaughtError as error:
            changed = self.problem != str(error)
            self.problem = str(error)
        return changed

    def _look_at_locks(self) -> bool:
        states = {
            run_id: one.seen_head(self.location).state
            for run_id, one in [*self._glances.items()]
            if one.head.end is None
        }
        changed = states != self._states
        self._states = states
        return changed
