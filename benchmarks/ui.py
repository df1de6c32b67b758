"""The live page: how soon it is there, how soon it tells, and what it takes beside a run.

    PYTHONPATH=tests python benchmarks/ui.py [--runs 200] [--events 100000] [--run-s 60]

Makes a store of so many runs and events, besides one run with as many events, and measures: from
the command to its address; the page of all runs and of the long one, as a client gets it, of a
server that has just started; from an event's commit to its arrival on an open page; and the CPU
seconds of the server with one page open beside a real `improve` on local:mutator, as a share of the
run's own.
Run it on a machine that is idle. Ends with exit code 1 above a limit.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journal_support import put
from made_journal import make_journal
from selftaught.journal.journal import open_journal
from selftaught.journal.run_lock import hold_run
from ui_support import Page, client

START_S, PAINT_S, TELL_S, CPU_SHARE = 2.0, 1.0, 0.5, 0.01
_TOLD = 12
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--run-s", type=float, default=60.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/many.db"
        asyncio.run(_make(store, asked.runs, asked.events))
        found = _seen(store, folder)
        found |= asyncio.run(_told(f"sqlite:///{folder}/told.db", folder))
        found["server's CPU over the run's"] = (_cpu(folder, asked.run_s), CPU_SHARE)
    for what, (value, limit) in found.items():
        print(f"{what:40} {value:8.4f}  of {limit:g}{'' if value <= limit else '  TOO MUCH'}")
    return int(any(value > limit for value, limit in found.values()))


async def _make(store: str, runs: int, events: int) -> None:
    await make_journal(store, "long", "search", events)
    for place in range(runs):
        await make_journal(store, f"run-{place:03}", "improve", max(60, events // runs))


@contextmanager
def _server(store: str, folder: str) -> Iterator[tuple[subprocess.Popen[str], str, float]]:
    """A server of its own process, its address, and how long it took."""
    start_s = time.monotonic()
    command = (sys.executable, "-m", "selftaught", "ui", "--port", "0", "--store", store)
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        try:
            yield process, address, time.monotonic() - start_s
        finally:
            process.terminate()


def _seen(store: str, folder: str) -> dict[str, tuple[float, float]]:
    found = {}
    for name, path in (("all runs", "/"), ("the long run", "/run/long")):
        with _server(store, folder) as (_, address, took_s):
            found["from the command to its address, s"] = took_s, START_S
            found[f"first page: {name}, s"] = asyncio.run(_first(address, path)), PAINT_S
    return found


async def _first(address: str, path: str) -> float:
    async with client(address) as page:
        await page.http.get(f"{page.base}/assets/ui.css")
        start_s = time.monotonic()
        async with page.http.get(page.base + path) as response:
            assert response.status == 200
            await response.read()
        return time.monotonic() - start_s


async def _told(store: str, folder: str) -> dict[str, tuple[float, float]]:
    """From the commit of an event to what an open page is told of it."""
    await make_journal(store, "told", "improve", 400)
    journal = open_journal(store)
    took: list[float] = []
    try:
        with hold_run(store, "told"), _server(store, folder) as (_, address, _took):
            async with client(address) as page:
                reading = asyncio.create_task(_arrivals(page, took))
                await asyncio.sleep(3)
                for _ in range(_TOLD):
                    put(journal, "told", "notice", "n", {"detail": f"at {time.time():.4f}."})
                    await journal.flush()
                    await asyncio.sleep(1.37)
                reading.cancel()
    finally:
        await journal.aclose()
    assert len(took) >= _TOLD - 1, took
    median, slowest = sorted(took)[len(took) // 2], max(took)
    return {
        "from an event to an open page, median, s": (median, TELL_S),
        "from an event to an open page, worst, s": (slowest, TELL_S),
    }


async def _arrivals(page: Page, took: list[float]) -> None:
    known: set[str] = set()
    async for name, html in page.stream("/live/run/told"):
        if name == "state":
            told = {part.partition(".<")[0] for part in html.split("<li>at ")[1:]}
            took += [time.time() - float(at) for at in told - known]
            known |= told


def _cpu(folder: str, run_s: float) -> float:
    """Share of the server's CPU, while a page is open on a run."""
    store = f"sqlite:///{folder}/one.db"
    command = (sys.executable, "-m", "selftaught", "improve", "flow_shop", "--wall-s", f"{run_s}")
    with _server(store, folder) as (server, address, _took):
        reading = asyncio.new_event_loop()
        first = _cpu_s(server.pid)
        start = os.times()
        quiet = subprocess.DEVNULL
        run = subprocess.Popen([*command, "--store", store], cwd=folder, stdout=quiet, stderr=quiet)
        before = reading.run_until_complete(_watched(address, run, server.pid))
        run.wait()
        end = os.times()
        own = _cpu_s(server.pid) - before
    of_run = end.children_user - start.children_user + end.children_system - start.children_system
    print(f"the run took {of_run:.1f} s of CPU; the server {own:.2f} s, and {before - first:.2f} s")
    print("until the page was there, once")
    return own / of_run


async def _watched(address: str, run: subprocess.Popen[bytes], pid: int) -> float:
    """A page is open on the run, as long as it goes on; the server's CPU when it had opened."""
    async with client(address) as page:
        while "/run/" not in str((await page.get("/")).links):  # noqa: ASYNC110
            await asyncio.sleep(0.3)
        (path,) = {one for one in (await page.get("/")).links if one.startswith("/run/")}

        async def read() -> None:
            async for _ in page.stream(f"/live{path}"):
                pass

        reading = asyncio.create_task(read())
        await asyncio.sleep(3)
        opened = _cpu_s(pid)
        while run.poll() is None:  # noqa: ASYNC110
            await asyncio.sleep(0.5)
        reading.cancel()
        return opened


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    sys.exit(main())
