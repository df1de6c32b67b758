"""Reading: what the commands that read a journal take, by the events of a run.

The journals are made (`tests/made_journal.py`): a STOP run, an `improve` of many improver runs, and
`search`, an `improve` of one improver run with some 3,000 model calls at 100,000 events. Each
command is a process of its own on one core; its CPU is its own and its guests'. Printed are CPU
seconds, the exponent by which they grow from one size to the next, what is the same for any journal
left out, and seconds until a terminal is told that something is read.

The limit is 5 s at the largest size where `import numpy` takes 0.1 s of CPU, and as much more as it
takes here. Ends with exit code 1 if a command takes more, or grows clearly faster than n log n.

    PYTHONPATH=tests python benchmarks/reading.py [--events 1000,10000,100000] [--shapes run,search]
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import pty
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import get_args

from made_journal import Shape, make_journal
from selftaught.journal.reader import open_reader

LIMIT_S, NUMPY_S = 5.0, 0.1
# n log n grows by 1.1 from 10,000 to 100,000; the rest is for a machine that others use, too.
MOST_GROWTH = 1.3
COMMANDS = {
    "show": ("show", "latest"),
    "show --trace": ("show", "latest", "--trace"),
    "report": ("report", "latest", "--force", "--out"),
    "strategies": ("strategies", "latest"),
    "verify": ("verify",),
    "runs": ("runs",),
}
SELFTAUGHT = str(Path(sys.executable).with_name("selftaught"))


def measured(command: list[str], cwd: str) -> tuple[float, float | None]:
    """CPU seconds of a command on one core, and seconds to its first word on a terminal's stderr.

    Raises: RuntimeError if it fails.
    """
    ours, theirs = pty.openpty()
    start_s = time.monotonic()
    first: list[float] = []
    said = bytearray()

    def listen() -> None:
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # nobody holds the other end any more
                return
            first.append(time.monotonic() - start_s)
            said.extend(part)

    child = os.posix_spawn(
        "/usr/bin/env",
        ["env", "-C", cwd, "taskset", "-c", "0", *command],
        {**os.environ, "TERM": "xterm"},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, theirs, 2),
        ],
    )
    os.close(theirs)
    listener = threading.Thread(target=listen)
    listener.start()
    _, status, used = os.wait4(child, 0)
    listener.join()
    os.close(ours)
    if status != 0:
        raise RuntimeError(f"{' '.join(command)}: {said.decode(errors='replace')}")
    return used.ru_utime + used.ru_stime, first[0] if first else None


def growth(before: tuple[int, float], now: tuple[int, float], floor_s: float) -> float:
    """The exponent between two sizes, of what is over the floor."""
    (few, least_s), (many, most_s) = before, now
    least_s, most_s = max(least_s - floor_s, 0.05), max(most_s - floor_s, 0.05)
    return math.log(most_s / least_s) / math.log(many / few)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", default="1000,10000,100000")
    parser.add_argument("--shapes", default=",".join(get_args(Shape)))
    options = parser.parse_args()
    sizes = [int(size) for size in options.events.split(",")]
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        numpy_s = min(measured([sys.executable, "-c", "import numpy"], folder)[0] for _ in range(3))
        limit_s = LIMIT_S * max(1.0, numpy_s / NUMPY_S)
        print(f"import numpy {numpy_s:.2f} s of CPU, so the limit is {limit_s:.1f} s\n")
        print(f"{'command':<13} {'journal':<8} {'events':>8} {'CPU':>8} {'growth':>7} {'told':>8}")
        for shape in options.shapes.split(","):
            stores = {}
            for size in (1, *sizes):
                store = f"sqlite:///{folder}/{shape}-{size}.db"
                asyncio.run(make_journal(store, "made", shape, size))
                with open_reader(store) as reader:
                    stores[store] = sum(1 for _ in reader.raw_events("made"))
            for name, words in COMMANDS.items():
                out = (f"report-{shape}",) if words[-1] == "--out" else ()
                seen: list[tuple[int, float]] = []
                for store, events in stores.items():
                    command = [SELFTAUGHT, *words, *out, "--store", store]
                    cpu_s, told_s = measured(command, folder)
                    seen.append((events, cpu_s))
                    if len(seen) == 1:
                        continue  # what any journal takes
                    grows = growth(seen[-2], seen[-1], seen[0][1]) if len(seen) > 2 else None
                    shown = ("-" if one is None else f"{one:.2f}" for one in (grows, told_s))
                    print(
                        f"{name:<13} {shape:<8} {events:>8,} {cpu_s:>6.2f} s "
                        "{:>7} {:>6} s".format(*shown),
                        flush=True,
                    )
                last_s = seen[-1][1]
                if last_s > limit_s:
                    failed.append(
                        f"{name} of {shape}: {last_s:.1f} s, and the limit is {limit_s:.1f}"
                    )
                if grows is not None and grows > MOST_GROWTH and last_s > LIMIT_S / 2:
                    failed.append(f"{name} of {shape}: grows with an exponent of {grows:.2f}")
    print(*("", *failed), sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
