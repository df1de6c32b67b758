"""The installed command, as its users start it: in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
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
    """Run it to its end."""
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
