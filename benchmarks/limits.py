"""How exactly CPU limits are kept: a looping candidate beside four busy neighbours.

A candidate that goes over its limit may run on to a tenth more, to tell whether a second try is
worth while; the overshoot is what it got beyond that point.

    python benchmarks/limits.py [--repeats 20] [--cpu-s 0.25]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

from selftaught.app.parts import probe_all, sandboxes
from selftaught.core.outcome import Failed
from selftaught.core.ports import Job, Zygote
from selftaught.core.program import Program
from selftaught.executors.limits import GRACE
from selftaught.executors.session import GuestSession

LOOPS = {
    "one thread": "def algorithm():\n    while True:\n        pass\n",
    "in C": "def algorithm():\n    return sum(range(10**12))\n",
    "four threads": (
        "import threading\ndef spin():\n    while True:\n        pass\n"
        "def algorithm():\n"
        "    for _ in range(3):\n        threading.Thread(target=spin, daemon=True).start()\n"
        "    spin()\n"
    ),
}
NEIGHBOURS = 4


def overshoot_ms(zygote: Zygote, source: str, cpu_s: float) -> tuple[float, float]:
    """CPU milliseconds beyond the point where the guest is ended, and its wall seconds."""
    session = GuestSession(zygote, Job(Program(source)))
    try:
        assert session.load() is None
        loaded_s, start_s = session.cpu_s, time.perf_counter()
        outcome = session.call((), cpu_s=cpu_s, seed=0)
        wall_s = time.perf_counter() - start_s
    finally:
        session.close()
    assert isinstance(outcome, Failed), outcome
    assert outcome.kind == "timeout", outcome
    return 1000 * (session.cpu_s - loaded_s - GRACE * cpu_s), wall_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--cpu-s", type=float, default=0.25)
    arguments = parser.parse_args()
    usable = {probe.tier for probe in probe_all() if probe.usable}
    loop = [sys.executable, "-c", "while True: pass"]
    neighbours = [subprocess.Popen(loop) for _ in range(NEIGHBOURS)]
    print(f"limit {arguments.cpu_s:g} CPU s, {NEIGHBOURS} busy neighbours; overshoot in ms")
    print(f"{'':<14}{'':<14}{'median':>8}{'most':>8}   wall s")
    try:
        for sandbox in sandboxes():
            if sandbox.tier not in usable:
                print(f"{sandbox.tier:<14}not here")
                continue
            zygote = sandbox.start()
            zygote.ready()
            for name, source in LOOPS.items():
                measured = [
                    overshoot_ms(zygote, source, arguments.cpu_s) for _ in range(arguments.repeats)
                ]
                over = [one for one, _ in measured]
                walls = [wall for _, wall in measured]
                print(
                    f"{sandbox.tier:<14}{name:<14}{statistics.median(over):>8.1f}{max(over):>8.1f}"
                    f"   {min(walls):.2f} to {max(walls):.2f}",
                    flush=True,
                )
            zygote.close()
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()


if __name__ == "__main__":
    main()
