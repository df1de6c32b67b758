"""Runs commands in forks of a process that has imported what commands import.

Each order comes on stdin, a socket, as JSON with three descriptors: the command's stdout, its
stderr, and where its pid is told and later how it ended. Importing takes longer than most commands
do, and the tests start hundreds of them.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import signal
import socket
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

LONGEST_ORDER = 1 << 17
# Programs for guests, and what only tests import.
LEFT_OUT = ("guest_programs", "selftaught.attacks", "selftaught.testing", ".cheats")
IMPORTED_LATE = ("genai_prices", "openai", "uvloop")


def preload() -> None:
    import selftaught

    for module in pkgutil.walk_packages(selftaught.__path__, "selftaught."):
        if not any(name in module.name for name in LEFT_OUT):
            import_module(module.name)
    for name in IMPORTED_LATE:
        import_module(name)


def begin(order: dict[str, Any], streams: Sequence[int]) -> None:
    """Be the process that the order asks for."""
    signal.alarm(order["limit_s"])
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = order["argv"]
    for number, descriptor in enumerate((os.open(os.devnull, os.O_RDONLY), *streams)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    # As the interpreter does.
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", 1 if os.isatty(1) else -1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", 1, errors="backslashreplace", closefd=False)  # noqa: SIM115


def main() -> None:
    from selftaught.cli.main import main as command

    preload()
    gc.freeze()
    orders = socket.socket(fileno=0)
    while True:
        text, descriptors, _, _ = socket.recv_fds(orders, LONGEST_ORDER, 3)
        if not text:
            return
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        if os.fork() == 0:  # who waits for the command, and tells how it ended
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            orders.detach()
            *streams, told = descriptors
            child = os.fork()
            if child == 0:
                os.close(told)
                begin(json.loads(text), streams)
                command()
                return
            for descriptor in streams:
                os.close(descriptor)
            os.write(told, f"{child}\n".encode())
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            os.write(told, f"{code}\n".encode())
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


if __name__ == "__main__":
    main()
