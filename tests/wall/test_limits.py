"""Limits are kept to the millisecond, and are fair to who just missed one."""

from __future__ import annotations

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from sandbox_support import HONEST, Box, cpu_s_below, descendants
from selftaught.core.outcome import Failed
from selftaught.core.ports import GuestLimits
from selftaught.executors.limits import GRACE, LimitWatch, too_many_threads

LIMIT_S = 0.5

# Until `end` by the clock it uses this many CPU seconds, after it none.
SLOW_AT_FIRST = """
import time
def algorithm(end, cpu_s):
    start = time.process_time()
    if time.time() < end:
        while time.process_time() - start < cpu_s:
            pass
    return "done"
"""

SPINS = "def algorithm():\n    while True:\n        pass\n"


@pytest.fixture
def busy_neighbours() -> Iterator[None]:
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    yield
    for one in started:
        one.kill()
        one.wait()


def test_a_cpu_limit_is_overshot_by_ten_milliseconds_at_most_beside_four_busy_neighbours(
    box: Box, busy_neighbours: None
) -> None:
    overshoots = []
    for _ in range(5):
        session = box.open(SPINS)
        assert session.load() is None
        before_s = session.cpu_s
        outcome = session.call((), cpu_s=0.25, seed=0)
        session.close()
        assert isinstance(outcome, Failed)
        assert outcome.kind == "timeout"
        overshoots.append(session.cpu_s - before_s - GRACE * 0.25)
    assert statistics.median(overshoots) < 0.010


def test_who_misses_a_limit_by_less_than_a_tenth_is_run_once_more(box: Box) -> None:
    session = box.open(SLOW_AT_FIRST)
    end = time.time() + 0.2
    assert session.call((end, 1.04 * LIMIT_S), cpu_s=LIMIT_S, seed=0) == "done"
    assert LIMIT_S < session.cpu_s < 2 * LIMIT_S, "both tries are counted"
    session.close()


def test_who_misses_it_twice_is_timed_out(box: Box) -> None:
    session = box.open(SLOW_AT_FIRST)
    outcome = session.call((time.time() + 60, 1.04 * LIMIT_S), cpu_s=LIMIT_S, seed=0)
    session.close()
    assert isinstance(outcome, Failed)
    assert (outcome.kind, f"{LIMIT_S:g} CPU seconds" in outcome.detail) == ("timeout", True)
    assert 1.9 * LIMIT_S < session.cpu_s < 2.5 * LIMIT_S


def test_who_misses_it_by_more_is_not_run_again(box: Box) -> None:
    session = box.open(SPINS)
    outcome = session.call((), cpu_s=LIMIT_S, seed=0)
    session.close()
    assert isinstance(outcome, Failed)
    assert session.cpu_s < GRACE * LIMIT_S + 0.15


@pytest.mark.parametrize(("used_s", "again"), [(1.05, True), (1.2, False)])
def test_what_reading_an_answer_takes_counts_as_the_calls_own_time(
    used_s: float, again: bool, box: Box
) -> None:
    """It may take any time, so that a second try is worth while only within the tenth."""
    session = box.open(HONEST)
    session.load()
    guest = session._guest
    assert guest is not None
    watch = LimitWatch(guest, lambda: used_s, 1.0, GuestLimits(), 0.0, GRACE)
    assert (watch.is_over_cpu(), watch.is_within_grace()) == (True, again)


def test_what_threads_use_between_calls_is_charged_to_the_next(box: Box) -> None:
    session = box.open(
        "import threading\ndef spin():\n    while True:\n        pass\n"
        "def algorithm(start):\n"
        "    if start:\n        threading.Thread(target=spin, daemon=True).start()\n"
        "    return 1\n"
    )
    before_s = cpu_s_below(os.getpid())
    assert session.call((True,), cpu_s=1.0, seed=0) == 1
    deadline = time.monotonic() + 20
    while cpu_s_below(os.getpid()) < before_s + 0.6:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    outcome = session.call((False,), cpu_s=0.2, seed=0)
    session.close()
    assert isinstance(outcome, Failed)
    assert outcome.kind == "timeout"


def kill_new_guests(before: set[int], times: int, killed: set[int]) -> None:
    """Kill what appears and goes on for a while, as the kernel does when memory runs out."""
    deadline = time.monotonic() + 20
    while len(killed) < times and time.monotonic() < deadline:
        time.sleep(0.15)
        for pid in descendants(os.getpid()).keys() - before - killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)


SLEEPS_AT_FIRST = """
import time
def algorithm(end):
    while time.time() < end:
        time.sleep(0.01)
    return "done"
"""


def test_a_guest_that_somebody_else_killed_is_run_once_more(box: Box) -> None:
    assert box.run(HONEST, 1) == 2
    before = set(descendants(os.getpid()))
    killed: set[int] = set()
    killer = threading.Thread(target=kill_new_guests, args=(before, 1, killed))
    killer.start()
    outcome = box.run(SLEEPS_AT_FIRST, time.time() + 0.6)
    killer.join()
    assert (outcome, len(killed)) == ("done", 1)


def test_one_that_is_killed_twice_ran_out_of_memory_as_far_as_anybody_can_tell(box: Box) -> None:
    assert box.run(HONEST, 1) == 2
    before = set(descendants(os.getpid()))
    killed: set[int] = set()
    killer = threading.Thread(target=kill_new_guests, args=(before, 2, killed))
    killer.start()
    outcome = box.run(SLEEPS_AT_FIRST, time.time() + 5)
    killer.join()
    assert len(killed) == 2
    assert isinstance(outcome, Failed)
    assert (outcome.kind, "killed by the system" in outcome.detail) == ("memory", True)


THREADS = """
import threading, time
threading.stack_size(64 << 10)
def algorithm(count):
    started = 0
    for _ in range(count):
        try:
            threading.Thread(target=time.sleep, args=(3,), daemon=True).start()
            started += 1
        except RuntimeError:
            break
    time.sleep(0.7)
    return started
"""


def test_threads_are_limited_to_what_is_configured(box: Box) -> None:
    limits = GuestLimits(threads=5)
    outcome = box.run(THREADS, 40, limits=limits)
    if isinstance(outcome, Failed):
        assert "threads; at most 5" in outcome.detail
    else:
        assert outcome <= 5
    assert box.run(THREADS, 3, limits=limits) == 3


def test_the_wall_clock_is_limited_to_what_is_configured(box: Box) -> None:
    outcome = box.run(
        "import time\ndef algorithm():\n    time.sleep(30)\n", limits=GuestLimits(wall_s=0.3)
    )
    assert isinstance(outcome, Failed)
    assert (outcome.kind, "0.3 s of wall time" in outcome.detail) == ("timeout", True)


def test_memory_is_limited_to_what_is_configured(box: Box) -> None:
    source = "import numpy as np\ndef algorithm(mb):\n    return np.ones(mb << 17).size\n"
    limits = GuestLimits(memory_bytes=512 << 20)
    assert box.run(source, 100, limits=limits) == 100 << 17
    outcome = box.run(source, 600, limits=limits)
    assert isinstance(outcome, Failed)
    assert outcome.kind == "memory"


class Threaded:
    """A guest of which only its threads are looked at."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def threads(self) -> int:
        return self._threads


def test_the_host_counts_threads_where_the_kernel_counts_none() -> None:
    limits = GuestLimits(threads=4)
    assert too_many_threads(Threaded(4), limits) is None  # type: ignore[arg-type]
    outcome = too_many_threads(Threaded(5), limits)  # type: ignore[arg-type]
    assert outcome == Failed("crashed", "ended with 5 threads; at most 4")
