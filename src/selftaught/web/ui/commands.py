"""Acting on runs: the commands that one would type, started as processes of their own."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

_SHOWN_BYTES = 24_000
_KEPT = 40
_RUN_SAID = re.compile(r"run (\d{8}-\d{6}-[0-9a-f]+)")


@dataclass(slots=True)
class Act:
    """A command that was started from a page.

    Attributes:
        number: from 1, in the order of starting.
        told: what it does and what it may cost, as the page said it.
        typed: the command, as people type it.
        code: its exit code; None as long as it goes on.
    """

    number: int
    told: str
    typed: str
    at: float
    output: IO[bytes]
    code: int | None = None
    ended_at: float | None = None

    def said(self) -> str:
        """The end of what it printed."""
        descriptor = self.output.fileno()
        size = os.fstat(descriptor).st_size
        start = max(0, size - _SHOWN_BYTES)
        text = os.pread(descriptor, _SHOWN_BYTES, start).decode("utf-8", "replace")
        return f"…{text}" if start else text

    def run_id(self) -> str | None:
        """The run that it speaks of."""
        found = _RUN_SAID.search(self.said())
        return found[1] if found else None


@dataclass(slots=True)
class Acts:
    """Those of this server. What they start goes on when the server ends.

    Attributes:
        told: is awaited when one has ended.
    """

    store: str
    told: Callable[[], Coroutine[Any, Any, None]]
    all: dict[int, Act] = field(default_factory=dict)
    _number: int = 0
    _waiting: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, arguments: Sequence[str], typed: str, told: str) -> Act:
        """Start `selftaught ARGUMENTS --store URL`."""
        # As the installed command does, without the current folder among the modules (-P).
        output = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the act is shown
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "selftaught", *arguments, f"--store={self.store}"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C where the page is served ends the page, and no run.
            start_new_session=True,
        )
        self._number += 1
        act = Act(self._number, told, typed, time.time(), output)
        self.all[act.number] = act
        ended = [one for one in self.all.values() if one.code is not None]
        for old in ended[: max(0, len(self.all) - _KEPT)]:
            self.all.pop(old.number).output.close()
        task = asyncio.get_running_loop().create_task(self._wait(act, process))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        return act

    async def _wait(self, act: Act, process: asyncio.subprocess.Process) -> None:
        act.code = await process.wait()
        act.ended_at = time.time()
        await self.told()

    def close(self) -> None:
        """Wait for nothing any more."""
        for task in self._waiting:
            task.cancel()
        for act in self.all.values():
            act.output.close()
