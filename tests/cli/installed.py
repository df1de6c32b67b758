"""The installed command, as its users start it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from selftaught.app.instance_key import VARIABLE

COMMAND = str(Path(sys.executable).parent / "selftaught")


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
    command = arguments[:1]
    if command in _seen:
        return _forked(arguments, cwd, environment(**changes))
    _seen.add(command)
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


_seen: set[tuple[str, ...]] = set()


@cache
def _fork_server() -> subprocess.Popen[str]:
    """It ends with its stdin, and so with this process."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "fork_server.py")],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _forked(arguments: tuple[str, ...], cwd: Path, env: dict[str, str]) -> Done:
    server = _fork_server()
    assert server.stdin is not None
    assert server.stdout is not None
    with tempfile.NamedTemporaryFile("r") as stdout, tempfile.NamedTemporaryFile("r") as stderr:
        order = {
            "argv": [COMMAND, *arguments],
            "cwd": str(cwd),
            "env": env,
            "stdout": stdout.name,
            "stderr": stderr.name,
        }
        print(json.dumps(order), file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        return Done(code, stdout.read(), stderr.read())
