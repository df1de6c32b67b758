"""However a guest ends, and whoever asks: its zygote serves the next at once, and nothing leaks."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sandbox_support import guest_source, open_descriptors
from selftaught.core.outcome import Failed
from selftaught.core.ports import ExitReport, GuestLimits, GuestProcess, Job, Sandbox, Zygote
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.executors.local import LocalExecutor
from selftaught.executors.session import load_frame

AT_ONCE_S = 5.0  # far below the 20 s after which a zygote counts as stuck

# --- improvers ----------------------------------------------------------------------------------

CPU_LIMIT_S = 0.06
ROUNDS_OF_20_MS = 600_000
WAYS = ("closes", "closes and sleeps", "exits", "sleeps", "spins", "returns")
HONEST_IMPROVER = f"def {IMPROVER_ENTRY}(solution, utility, language_model):\n    return 'well'\n"
FACTS = {"description": "", "calls": 1, "samples_per_call": 1, "utility_uses": 1}


async def serve(request: Mapping[str, Any]) -> dict[str, Any]:
    raise AssertionError("none of these asks for anything")


@pytest.mark.parametrize("improvers", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_many_improvers_that_end_near_their_limits_harm_nobody_after_them(
    improvers: int, sandbox: Sandbox
) -> None:
    """The CPU limit, a closed socket and an exit come within milliseconds of each other."""
    rng = random.Random(13)

    async def improve(executor: LocalExecutor, source: str, solution: str, cpu_s: float) -> Any:
        job = Job(Program(source, IMPROVER_ENTRY), GuestLimits(wall_s=0.4))
        result = await executor.improve(job, solution, FACTS, depth=1, cpu_s=cpu_s, serve=serve)
        return result.value

    async def run() -> None:
        executor = LocalExecutor(sandbox, candidates=1, outer=1, inner=8)
        async with executor.running():
            honest = [improve(executor, HONEST_IMPROVER, "", 5.0) for _ in range(8)]
            assert await asyncio.gather(*honest) == ["well"] * 8
            before = open_descriptors()
            source = guest_source("ends_near_its_limit")
            ends = []
            for number in range(improvers):
                solution = f"{WAYS[number % len(WAYS)]} after {rng.randrange(ROUNDS_OF_20_MS)}"
                ends.append(improve(executor, source, solution, CPU_LIMIT_S))
            values = await asyncio.gather(*ends)
            start_s = time.monotonic()
            honest = [improve(executor, HONEST_IMPROVER, "", 5.0) for _ in range(8)]
            assert await asyncio.gather(*honest) == ["well"] * 8
            assert time.monotonic() - start_s < AT_ONCE_S
            assert open_descriptors() == before
        kinds = [value.kind if isinstance(value, Failed) else value for value in values]
        # Which of them how many are depends on what else the machine does.
        assert len(kinds) == improvers
        assert set(kinds) <= {"timeout", "crashed", "returned"}

    asyncio.run(asyncio.wait_for(run(), 120))


# --- one guest, asked by many threads -----------------------------------------------------------


@pytest.fixture
def zygote(sandbox: Sandbox) -> Iterator[Zygote]:
    """One of its own, which a test may harm."""
    started = sandbox.start(guests=2)
    started.ready()
    yield started
    started.close()


def loaded(zygote: Zygote, name: str) -> GuestProcess:
    """A guest that runs a program of `tests/guests/`, or is about to."""
    guest = zygote.fork(GuestLimits())
    guest.socket.sendall(load_frame(Job(Program(guest_source(name)))))
    return guest


def forks_at_once(zygote: Zygote) -> None:
    """The zygote is well: it forks guests that end as they should, and waits for nobody else."""
    start_s = time.monotonic()
    for _ in range(3):
        guest = zygote.fork(GuestLimits())
        assert guest.report().signal == 9
        guest.close()
    assert time.monotonic() - start_s < AT_ONCE_S


def at_once(works: Sequence[Callable[[], object]]) -> list[object]:
    """What each comes to, on a thread of its own."""
    ready = threading.Barrier(len(works))

    def one(work: Callable[[], object]) -> object:
        ready.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(one, works))


def test_who_waits_for_an_end_is_told_of_it_although_another_closes_the_guest(
    zygote: Zygote,
) -> None:
    for wait_s in (0.001, 0.01, 0.05):
        guest = zygote.fork(GuestLimits())
        with ThreadPoolExecutor(1) as threads:
            told = threads.submit(guest.report)
            time.sleep(wait_s)
            start_s = time.monotonic()
            guest.close()
            report = told.result()
        assert time.monotonic() - start_s < AT_ONCE_S
        assert (report.signal, report.by_us) == (9, True)
    forks_at_once(zygote)


@pytest.mark.parametrize("name", ["crash_on_load", "loop_on_load", "memory_bomb_on_load"])
def test_calls_on_one_guest_from_many_threads_in_any_order_agree(name: str, zygote: Zygote) -> None:
    rng = random.Random(13)
    forks_at_once(zygote)
    before = open_descriptors()
    for _ in range(25):
        guest = loaded(zygote, name)
        calls = [guest.report, guest.close, guest.kill, guest.cpu_s, guest.threads]
        works = 2 * [*calls, lambda: zygote.fork(GuestLimits()).close()]
        rng.shuffle(works)
        start_s = time.monotonic()
        came = at_once(works)
        assert time.monotonic() - start_s < AT_ONCE_S
        reports = [one for one in came if isinstance(one, ExitReport)]
        assert reports == [guest.report()] * 2, "who asks again is told the same"
        assert guest.cpu_s() == max(guest.cpu_s(), reports[0].cpu_s)
        assert guest.threads() == 0
        guest.kill()
        guest.close()
    assert open_descriptors() == before
    forks_at_once(zygote)


def test_after_a_guest_was_closed_its_report_is_what_is_known(zygote: Zygote) -> None:
    guest = loaded(zygote, "loop_on_load")
    while guest.cpu_s() < 0.05:
        time.sleep(0.005)
    guest.close()
    report = guest.report()
    assert (report.exit_code, report.by_us, report.cpu_s) == (None, True, guest.cpu_s())
    assert report.cpu_s >= 0.05
