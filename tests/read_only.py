"""A Python process to which a file or folder is read-only, or another user's, whoever runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NOBODY = 65534


def run_read_only(place: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the place mounted read-only; skips where bubblewrap cannot."""
    return _run(["--ro-bind", str(place), str(place)], script, *arguments)


def run_as_stranger(place: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script with no right to a folder but that of others, its owner being somebody else;
    skips where that cannot be had."""
    if os.getuid() != 0:
        pytest.skip("only root can give a folder to somebody else")
    for path in (place, *place.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
        path.chmod(0o755 if path.is_dir() else path.stat().st_mode)
    # Without its capabilities root has no rights to what is not its own.
    return _run(["--cap-drop", "ALL"], script, *arguments)


def _run(options: list[str], script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    bubblewrap = ["bwrap", "--dev-bind", "/", "/", *options]
    if (
        shutil.which("bwrap") is None
        or subprocess.run([*bubblewrap, "true"], check=False).returncode
    ):
        pytest.skip("bubblewrap does not work on this machine")
    return subprocess.run(
        [*bubblewrap, sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
