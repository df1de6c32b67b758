"""Programs that solve the tasks well: they stay in the tests, where no model is shown them."""

from __future__ import annotations

from pathlib import Path


def known_good(name: str) -> str:
    """Source of the program for the task of this name."""
    return (Path(__file__).parent / "known_good" / f"{name}.py").read_text(encoding="utf-8")
