"""One candidate in a fresh guest, numpy loaded: each tier beside a process a candidate.

Latency with one guest at a time, then throughput with one thread a core, all in one run. The
plain subprocess has no isolation at all; it is what most programs of this kind do. A bubblewrap a
candidate is what one gets by starting each in a sandbox of its own.

    python benchmarks/sandbox.py [--candidates 600]
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from selftaught.app.parts import probe_all, sandboxes
from selftaught.core.ports import Job, Zygote
from selftaught.core.program import Program
from selftaught.executors.session import GuestSession
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.namespaced import bubblewrap_command

SOURCE = "import numpy as np\n\ndef algorithm(n):\n    return np.arange(n).sum()\n"
ANSWER = 4950
CORES = os.cpu_count() or 1


def in_subprocess() -> None:
    """One candidate as a process of its own."""
    program = f"{SOURCE}\nprint(algorithm(100))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(done.stdout) == ANSWER


def in_bubblewrap() -> None:
    """One candidate in a bubblewrap of its own, with the mounts and namespaces of our tier."""
    layout = find_layout()
    paths = os.pathsep.join(str(path) for path in layout.module_paths)
    program = f"{SOURCE}\nprint(algorithm(100))"
    command = [*bubblewrap_command(layout, own_users=False), str(layout.interpreter), "-c", program]
    environment = {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert int(done.stdout) == ANSWER


def in_guest(zygote: Zygote) -> None:
    """One candidate in a fresh guest."""
    session = GuestSession(zygote, Job(Program(SOURCE)))
    try:
        assert session.call((100,), cpu_s=1.0, seed=1) == ANSWER
    finally:
        session.close()


def latencies_ms(work: Callable[[], None], count: int) -> list[float]:
    """Sorted wall times of one after the other."""
    for _ in range(min(20, count)):
        work()
    times = []
    for _ in range(count):
        start_s = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start_s))
    return sorted(times)


def per_second(work: list[Callable[[], None]], count: int) -> float:
    """Candidates a second with one thread for each of `work`."""

    def loop(one: Callable[[], None]) -> None:
        for _ in range(count // len(work)):
            one()

    start_s = time.perf_counter()
    with ThreadPoolExecutor(len(work)) as pool:
        list(pool.map(loop, work))
    return count / (time.perf_counter() - start_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--candidates", type=int, default=600)
    count = parser.parse_args().candidates
    print(f"{CORES} cores\n{'':<24}{'p50':>8}{'p99':>8}{'a second':>10}{'ratio':>7}")
    base = report(
        "subprocess a candidate", in_subprocess, [in_subprocess] * CORES, count // 8, None
    )
    usable = {probe.tier: probe for probe in probe_all()}
    if usable["namespaced"].usable:
        each_in_bubblewrap = [in_bubblewrap] * CORES
        report("bubblewrap a candidate", in_bubblewrap, each_in_bubblewrap, count // 8, base)
    for sandbox in sandboxes():
        if not usable[sandbox.tier].usable:
            print(f"{sandbox.tier:<24}not here: {usable[sandbox.tier].detail}")
            continue
        zygotes = [sandbox.start() for _ in range(CORES)]
        for zygote in zygotes:
            zygote.ready()
        each: list[Callable[[], None]] = [partial(in_guest, zygote) for zygote in zygotes]
        report(sandbox.tier, each[0], each, count, base)
        for zygote in zygotes:
            zygote.close()


def report(
    name: str,
    one: Callable[[], None],
    each: list[Callable[[], None]],
    count: int,
    base: float | None,
) -> float:
    """Measure and print one row; its candidates a second."""
    times = latencies_ms(one, count)
    p50 = statistics.median(times)
    p99 = times[int(0.99 * (len(times) - 1))]
    rate = per_second(each, count)
    ratio = "" if base is None else f"{rate / base:.1f}x"
    print(f"{name:<24}{p50:>6.1f}ms{p99:>6.1f}ms{rate:>10.0f}{ratio:>7}", flush=True)
    return rate


if __name__ == "__main__":
    main()
