"""The installed command, as its users start it: in a process of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from selftaught.app.instance_key import VARIABLE

COMMAND = str(Path(sys.executable).parent / "selftaught")
LIMIT_S = 60
shared = Path("unknown")  # the folder that all workers have in common; conftest.py knows it


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Finished:
    """A folder whose store holds an improve run after a STOP run, and what they printed."""

    folder: Path
    run: Done
    improve: Done

    @property
    def run_json(self) -> dict[str, Any]:
        return dict(json.loads(self.run.stdout))

    @property
    def improve_json(self) -> dict[str, Any]:
        return dict(json.loads(self.improve.stdout))


def environment(**changes: str) -> dict[str, str]:
    """The test's own environment with a fixed width and plain text."""
    ours = {k for k in os.environ if k.startswith("SELFTAUGHT")} - {VARIABLE}
    kept = {k: v for k, v in os.environ.items() if k not in ours}
    return kept | {"COLUMNS": "80", "TERM": "xterm-256color"} | changes


def selftaught(*arguments: str, cwd: Path, **changes: str) -> Done:
    """Run it to its end.

    Each command once as its users start it, which shows that it imports what it needs; after that
    in forks, which start at once.
    """
    if not _is_first(*arguments[:1]):
        process = started(*arguments, cwd=cwd, **changes)
        stdout, stderr = process.communicate()
        assert process.returncode is not None
        return Done(process.returncode, stdout, stderr)
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _is_first(command: str = "") -> bool:
    """Whether no other test has started this command, in any worker."""
    try:
        (shared / f"started {command}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


class Started:
    """A command under way in a fork, with the names of `subprocess.Popen`."""

    def __init__(self, stdout: int, stderr: int | None, told: int) -> None:
        self.stdout = os.fdopen(stdout)
        self.stderr = None if stderr is None else os.fdopen(stderr)
        self._told = os.fdopen(told)
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, once it has ended."""
        return self.wait(0)

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Its exit code; None if it has not ended by then."""
        if self.returncode is None and select.select([self._told], [], [], timeout_s)[0]:
            self.returncode = int(self._told.readline())
            self._told.close()
        return self.returncode

    def send_signal(self, signum: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = LIMIT_S) -> tuple[str, str]:
        """The rest of what it prints, to its end."""
        with ThreadPoolExecutor(2) as readers:
            stdout = readers.submit(_read_and_close, self.stdout)
            stderr = readers.submit(_read_and_close, self.stderr)
            if self.wait(timeout) is None:
                self.kill()
                raise AssertionError(f"it did not end within {timeout} s")
            return stdout.result(), stderr.result()


def _read_and_close(stream: TextIO | None) -> str:
    if stream is None or stream.closed:
        return ""
    with stream:
        return stream.read()


def started(
    *arguments: str, cwd: Path, terminal: int | None = None, limit_s: int = LIMIT_S, **changes: str
) -> Started:
    """Start it in a fork, which an alarm ends; a terminal that is given is its stderr."""
    (stdout, to_stdout), (told, to_told) = os.pipe(), os.pipe()
    stderr, to_stderr = (None, terminal) if terminal is not None else os.pipe()
    order = {
        "argv": [COMMAND, *arguments],
        "cwd": str(cwd),
        "env": environment(**changes),
        "limit_s": limit_s,
    }
    descriptors = [to_stdout, to_stderr, to_told]
    socket.send_fds(_fork_server()[0], [json.dumps(order).encode()], descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    return Started(stdout, stderr, told)


@cache
def _fork_server() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Where orders go, and who takes them: it ends with the socket, and so with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "fork_server.py")],
            env=environment(),
            stdin=theirs,
        )
    return ours, process
