"""A reproduced protocol for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.safe_text import printable
from selftaught.app.shown_protocol import protocol_grids, protocol_more, protocol_notes
from selftaught.cli.report import plain_table, print_grid, print_title, say


def print_protocol(console: Console, result: Mapping[str, Any], store: str) -> None:
    """What it is, the tables beside what was published, spending, and what shows more."""
    say(console, printable(" ".join(result["about"].split())))
    console.print()
    for grid in protocol_grids(result):
        print_grid(console, grid)
    notes = list(protocol_notes(result))
    for note in notes:
        say(console, printable(note))
    if notes:
        console.print()
    ended = "" if result["state"] == "done" else f"ended by: {result['state']}; "
    say(console, f"{ended}spent: {words.spending(result['usage'], result['wall_s'])}")
    print_title(console, "More")
    table = plain_table("", "")
    for command, shows in protocol_more(result, store):
        table.add_row(command, shows)
    console.print(table)
