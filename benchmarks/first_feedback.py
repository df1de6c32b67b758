"""How long `selftaught improve` says nothing, and how soon commands that read answer, beside what
`import numpy` takes here.

On a terminal until the first byte on stderr, and in a pipe until its first line, which tells that
the run has started: the sandbox was probed and its zygotes are there. The goal of the design is
1.5 s where `python -c "import numpy"` takes 0.1 s: a ratio of 15. Commands that list and show are
to have answered within 0.6 s, a ratio of 6; `runs` and `show` read a store of one small run.

    python benchmarks/first_feedback.py [--times N]
"""

from __future__ import annotations

import argparse
import os
import pty
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SELFTAUGHT = str(Path(sys.executable).parent / "selftaught")
COMMAND = (SELFTAUGHT, "improve", "flow_shop")
GOAL = 15
READING = (("tasks",), ("models",), ("runs",), ("show", "latest"))
READING_GOAL = 6


def numpy_s() -> float:
    start_s = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import numpy"], check=True)
    return time.perf_counter() - start_s


def answer_s(arguments: tuple[str, ...], folder: str) -> float:
    """The whole of a command."""
    start_s = time.perf_counter()
    subprocess.run([SELFTAUGHT, *arguments], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start_s


def first_byte_s(*, on_terminal: bool) -> float:
    """Until something comes on stderr; then the run is stopped."""
    ours, theirs = pty.openpty() if on_terminal else os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        start_s = time.perf_counter()
        with subprocess.Popen(
            COMMAND, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs
        ) as process:
            os.close(theirs)
            os.read(ours, 1)
            took_s = time.perf_counter() - start_s
            process.send_signal(signal.SIGINT)
            try:
                while os.read(ours, 1 << 16):
                    pass
            except OSError:
                pass  # so ends a terminal whose other side is closed
    os.close(ours)
    return took_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=7, metavar="N")
    times = parser.parse_args().times
    numpy, terminal, pipe = [], [], []
    for _ in range(times):
        numpy.append(numpy_s())
        terminal.append(first_byte_s(on_terminal=True))
        pipe.append(first_byte_s(on_terminal=False))
    base_s = statistics.median(numpy)
    print(f"import numpy: {base_s:.3f} s (median of {times})")
    for name, taken in (("on a terminal", terminal), ("in a pipe", pipe)):
        took_s = statistics.median(taken)
        print(f"{name}: {took_s:.3f} s, {took_s / base_s:.1f} times that (goal: {GOAL})")
    with tempfile.TemporaryDirectory() as folder:
        answer_s((*COMMAND[1:], "--lm-calls", "1"), folder)
        for arguments in READING:
            took_s = statistics.median(answer_s(arguments, folder) for _ in range(times))
            ratio = f"{took_s / base_s:.1f} times that (goal: {READING_GOAL})"
            print(f"{' '.join(arguments)}: {took_s:.3f} s, {ratio}")


if __name__ == "__main__":
    main()
