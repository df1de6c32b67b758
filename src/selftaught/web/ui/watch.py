"""Follows a store: one look at what is new a moment, however many pages are open."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from selftaught.core.errors import SelfTaughtError
from selftaught.journal.location import guarded_connection, locate
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.journal.schema import is_empty
from selftaught.web.ui.glance import KINDS, Glance

T = TypeVar("T")

TICK_S = 0.4
_LOCKS_EVERY = 3  # ticks: a run that was killed says nothing


def reader_of(store: str) -> JournalReader | None:
    """A reader of the store; None as long as there is nothing in it.

    Raises: ConfigError if it is no store of ours.
    """
    location = locate(store)
    if not location.path.exists():
        return None
    with guarded_connection(location, "read") as connection:
        if is_empty(connection):
            return None
    return open_reader(store)


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
        self._wanted = asyncio.Event()
        self._changed = asyncio.Condition()
        # What takes long has a thread by itself, so that what is new is seen meanwhile.
        self._quick = ThreadPoolExecutor(1, "selftaught-ui-quick")
        self._slow = ThreadPoolExecutor(1, "selftaught-ui-slow")
        self._slow_reader: JournalReader | None = None

    async def follow(self) -> None:
        """Look at what is new as long as somebody waits for it, until cancelled."""
        ticks = 0
        while True:
            await self._wanted.wait()
            ticks += 1
            looks = ticks % _LOCKS_EVERY == 0
            if await self.quickly(partial(self._look, locks=looks)):
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

    async def quickly(self, work: Callable[[], T]) -> T:
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
        for thread in (self._quick, self._slow):
            thread.shutdown(wait=True, cancel_futures=True)
        for reader in (self._reader, self._slow_reader):
            if reader is not None:
                reader.close()

    # --- on the quick thread ----------------------------------------------------------------------

    @property
    def reader(self) -> JournalReader | None:
        if self._reader is None:
            self._reader = reader_of(self.store)
        return self._reader

    def runs(self) -> list[str]:
        """Ids of all runs, newest first."""
        return [] if self.reader is None else self.reader.runs()

    def find(self, prefix: str) -> str | None:
        """As `JournalReader.find_run`. Raises: ConfigError."""
        return None if self.reader is None else self.reader.find_run(prefix)

    def known(self, run_id: str) -> Glance | None:
        """What was summed up already."""
        return self._glances.get(run_id)

    def glance(self, run_id: str) -> Glance:
        """Of a run, which takes a while where it is long, the first time."""
        self._look(locks=False)
        found = self._glances.get(run_id)
        if found is None:
            found = Glance(run_id)
            assert self.reader is not None  # or there would be no run
            for event in self.reader.events(run_id, KINDS):
                found.add(event)
            self._glances[run_id] = found
        return found

    def sum_up(self, within_s: float) -> bool:
        """Runs of which nothing is known yet, newest first, for a while; whether all are known."""
        end = time.monotonic() + within_s
        for run_id in self.runs():
            if run_id not in self._glances:
                if time.monotonic() > end:
                    return False
                self.glance(run_id)
        return True

    def _look(self, *, locks: bool) -> bool:
        """Whether there is anything new."""
        changed = False
        try:
            if self.reader is None:
                return False
            for event in self.reader.news(self._seq, KINDS):
                self._seq = event.seq
                changed = True
                if event.run_id in self._glances:
                    self._glances[event.run_id].add(event)
            changed = (locks and self._look_at_locks()) or changed or bool(self.problem)
            self.problem = ""
        except SelfTaughtError as error:
            changed = self.problem != str(error)
            self.problem = str(error)
        return changed

    def _look_at_locks(self) -> bool:
        states = {
            run_id: one.seen_head(self.location).state
            for run_id, one in self._glances.items()
            if one.head.end is None
        }
        changed = states != self._states
        self._states = states
        return changed
