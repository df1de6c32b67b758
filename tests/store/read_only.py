"""A Python process to which a file or folder is read-only, whoever runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def run_read_only(place: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script with the place mounted read-only; skips where bubblewrap cannot."""
    bubblewrap = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(place), str(place)]
    if (
        shutil.which("bwrap") is None
        or subprocess.run([*bubblewrap, "true"], check=False).returncode
    ):
        pytest.skip("bubblewrap does not work on this machine")
    return subprocess.run(
        [*bubblewrap, sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
