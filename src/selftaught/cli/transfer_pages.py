"""A transfer study for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.safe_text import printable
from selftaught.app.shown_transfer import transfer_grids, transfer_notes
from selftaught.cli.report import print_grid, say


def print_transferred(console: Console, result: Mapping[str, Any]) -> None:
    """Which improvers, the tables, and what else there is to know."""
    improved, seed = result["improved_improver_id"], result["seed_improver_id"]
    say(
        console,
        f"improver {improved[: words.SHORT_ID]}, which stands at the end of run "
        f"{printable(result['origin'])}, against {seed[: words.SHORT_ID]}, with which it began",
    )
    console.print()
    for grid in transfer_grids(result):
        print_grid(console, grid)
    notes = list(transfer_notes(result))
    for note in notes:
        say(console, printable(note))
    if notes:
        console.print()
