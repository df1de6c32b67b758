"""Runs commands in forks of a process that has imported what commands import.

Orders come on stdin as lines of JSON, exit codes go back on stdout. Importing takes longer than
most commands do, and the tests start hundreds of them.
"""

from __future__ import annotations

import json
import os
import pkgutil
import signal
import sys
from importlib import import_module
from typing import Any

LIMIT_S = 60


def preload() -> None:
    import selftaught.app.compose
    import selftaught.cli

    for module in pkgutil.iter_modules(selftaught.cli.__path__, "selftaught.cli."):
        import_module(module.name)


def begin(order: dict[str, Any]) -> None:
    """Be the process that the order asks for."""
    signal.alarm(LIMIT_S)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    sys.argv = order["argv"]
    for number, (path, flags) in enumerate(
        (
            (os.devnull, os.O_RDONLY),
            (order["stdout"], os.O_WRONLY),
            (order["stderr"], os.O_WRONLY),
        )
    ):
        descriptor = os.open(path, flags)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as the interpreter does


def main() -> None:
    from selftaught.cli.main import main as command

    preload()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            begin(json.loads(line))
            command()
            return
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
