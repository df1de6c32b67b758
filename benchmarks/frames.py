"""What the worst frames cost the host: CPU, memory, and how long its event loop is held.

Each frame is 16 MiB or what a guest could make of that; each is decoded in a process of its own,
and then sent by a real candidate and by a real improver while a ticker in the host's event loop
looks at the clock. (What was imported is frozen for the collector, as the command does it.) CPU
seconds are shown beside those that `import numpy` takes here; the goals of the design are 0.5 s and
128 MiB where that takes 0.1 s, and 50 ms for the loop.

    python benchmarks/frames.py
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np

from selftaught.app.parts import sandboxes
from selftaught.core.messages import Reply, Request
from selftaught.core.ports import Job
from selftaught.core.program import Program
from selftaught.executors.local import LocalExecutor
from selftaught.executors.probe import choose
from selftaught_guest import wire

FRAME_BYTES = (16 << 20) - 64
FACTS = {"description": "", "calls": 1, "samples_per_call": 1, "utility_uses": 1}

# Expressions, evaluated in the guest as well: `u` packs a length, `N` is the frame's room.
FRAMES = {
    "a list of None": "b'l' + u(N) + b'N' * N",
    "lists in a list": "b'l' + u(N // 5) + (b'l' + u(0)) * (N // 5)",
    "dicts in a list": "b'l' + u(N // 7) + (b'd' + u(1) + b'NN') * (N // 7)",
    "just as many lists as are taken": "b'l' + u(374_998) + (b'l' + u(0)) * 374_998",
    "just as many texts": "b'l' + u(370_000) + (b's' + u(40) + bytes(40)) * 370_000",
    "arrays of no dimension": "b'l' + u(N // 4) + b'a\\1\\0\\1' * (N // 4)",
    "just as many arrays": "b'l' + u(107_000) + b'a\\1\\0\\1' * 107_000",
    "just as many arrays of 16 dimensions": (
        "b'l' + u(32_000) + (b'a\\1\\x10' + (b'\\1' + bytes(7)) * 16 + b'\\1') * 32_000"
    ),
    "floats": "b'L' + u(N // 8) + b'01234567' * (N // 8)",
    "integers": "b'J' + u(N // 8) + b'01234567' * (N // 8)",
    "one array": "b'a\\1\\1' + (N).to_bytes(8, 'little') + bytes(N)",
    "a text": "b's' + u(N) + b'a' * N",
    "a text of two bytes a character": "b's' + u(N // 2 * 2) + 'é'.encode() * (N // 2)",
    "a text with one wide character": "b's' + u(N + 4) + b'a' * N + '😀'.encode()",
    "just as many keys, which meet": (
        "b'd' + u(15_000) + b''.join(b'i' + k.to_bytes(8, 'little') + b'N' for k in meeting())"
    ),
    "keys of one hash": (
        "b'd' + u(14_000) + b''.join(b'I' + u(12) + (i * ((1 << 61) - 1)).to_bytes(12, 'little') "
        "+ b'N' for i in range(14_000))"
    ),
    "integers of 512 bytes": "b'l' + u(N // 517) + (b'I' + u(512) + b'1' * 512) * (N // 517)",
    "nested too deep": "(b'l' + u(1)) * (N // 5) + b'N'",
}

# Keys that fill one stretch of places in a table of 2^15, and keys whose first free place is behind
# that stretch: each of the latter takes as many steps as there are of the former.
MEETING = """
import numpy as np
def meeting(many=15_000, bits=15, of=24):
    mask = (1 << bits) - 1
    stretch, place = [], 1
    for _ in range(2 * many // 3):
        stretch.append(place)
        place = (5 * place + 1) & mask
    where = np.full(mask + 1, -1)
    where[stretch] = np.arange(len(stretch))
    keys = np.arange(mask + 1, 1 << of)
    at, left = keys & mask, keys.copy()
    while True:
        inside = where[at] >= 0
        keys, at, left = keys[inside], at[inside], left[inside] >> 5
        if not left.any():
            break
        at = (5 * at + left + 1) & mask
    last = keys[np.argsort(where[at])][: many - len(stretch)]
    return [*stretch, *last.tolist()]
"""

SOURCE = """
import os
{meeting}
u = lambda n: n.to_bytes(4, "little")
N = {room}
def algorithm(*args):
    payload = {payload}
    frame = memoryview(u(len(payload)) + payload)
    for descriptor in range(3, 64):
        try:
            os.get_blocking(descriptor)
        except OSError:
            continue
        while frame:
            frame = frame[os.write(descriptor, frame) :]
"""


def payload(name: str) -> bytes:
    names: dict[str, Any] = {"u": lambda n: n.to_bytes(4, "little"), "N": FRAME_BYTES}
    exec(MEETING, names)
    return bytes(eval(FRAMES[name], names))


def decode(name: str) -> None:
    """In a process of its own: prints CPU seconds, and MiB with the payload's own."""
    view = memoryview(payload(name))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before_mib = peak_mib()
    start_s = time.process_time()
    try:
        kept = [wire.unpack(view)]
    except wire.WireError:
        kept = []
    used_s = time.process_time() - start_s
    became = "decoded" if kept else "refused"
    print(used_s, peak_mib() - before_mib + len(view) / (1 << 20), became)


def peak_mib() -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


async def ticker(gaps_s: list[float]) -> None:
    last_s = time.perf_counter()
    while True:
        await asyncio.sleep(0.001)
        now_s = time.perf_counter()
        gaps_s.append(now_s - last_s)
        last_s = now_s


async def serve(request: Request) -> Reply:
    return Reply({})


async def held_ms() -> dict[str, tuple[float, float]]:
    """How long the loop was held at the most while a candidate, an improver sent each frame."""
    sandbox, zygote = choose(sandboxes())
    found: dict[str, tuple[float, float]] = {}
    async with LocalExecutor(sandbox, candidates=1, zygote=zygote).running() as executor:
        for name, expression in FRAMES.items():
            job = Job(Program(SOURCE.format(meeting=MEETING, room=FRAME_BYTES, payload=expression)))

            async def improver(job: Job = job) -> None:
                await executor.improve(job, "", FACTS, depth=1, cpu_s=20.0, serve=serve)

            async def candidate(job: Job = job) -> None:
                await executor.call(job, (), cpu_s=20.0, seed=0)

            found[name] = (await longest_gap_ms(candidate), await longest_gap_ms(improver))
    return found


async def longest_gap_ms(work: Callable[[], Awaitable[None]]) -> float:
    gaps_s: list[float] = []
    ticking = asyncio.create_task(ticker(gaps_s))
    await work()
    await asyncio.sleep(0.05)
    ticking.cancel()
    return 1000 * max(gaps_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--decode", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.decode:
        decode(arguments.decode)
        return
    start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    for _ in range(3):
        subprocess.run([sys.executable, "-c", "import numpy"], check=True)
    numpy_s = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - start) / 3
    gc.collect()
    gc.freeze()
    held = asyncio.run(held_ms())
    print(f"import numpy (numpy {np.__version__}): {numpy_s:.3f} s of CPU")
    print(
        f"{'frame':38}{'CPU s':>8}{'x numpy':>9}{'MiB':>7}{'candidate':>11}{'improver':>10}  became"
    )
    for name in FRAMES:
        command = [sys.executable, __file__, "--decode", name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        used_s, mib, became = done.stdout.split()
        ratio = float(used_s) / numpy_s
        loop = "{:9.1f}ms{:8.1f}ms".format(*held[name])
        print(f"{name:38}{float(used_s):8.3f}{ratio:9.1f}{float(mib):7.0f}{loop}  {became}")


if __name__ == "__main__":
    main()
