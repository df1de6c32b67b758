"""What a run will take of the model, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.safe_text import printable
from selftaught.cli.report import plain_table, print_title, say

_COLUMNS = ("calls", "samples", "tokens in", "tokens out", "USD")


def print_estimate(console: Console, estimate: Mapping[str, Any]) -> None:
    """Likely and at most, step by step, and what the budget allows of it."""
    print_title(console, f"What the run will ask of {printable(estimate['model'])}; spent: nothing")
    for kind, heading in (("likely", "likely"), ("most", "at most")):
        table = plain_table(heading, *_COLUMNS)
        for step in estimate["steps"]:
            table.add_row(step["name"], *_cells(step[kind]))
        table.add_row("in all", *_cells(estimate[kind]))
        if kind == "most" and any(limit is not None for limit in estimate["budget"].values()):
            table.add_row("and within the budget", *_cells(estimate["most_within_budget"]))
        for column in table.columns[1:]:
            column.justify = "right"
        console.print(table)
        console.print()
    say(
        console,
        "Likely: every improver does what the first one does, and responses are as long as the "
        "program and a few sentences; models that reason take more. At most: every limit is used "
        "up, prompts are as long as --prompt-kb allows, and responses as --max-tokens; requests "
        "that break off and are made again come on top. A budget (--usd) bounds all of it.",
    )
    if estimate["likely"]["usd"] is None:
        say(console, "The price is not known: give --price-in and --price-out.")


def _cells(amount: Mapping[str, Any]) -> tuple[str, ...]:
    counts = (amount["lm_calls"], amount["samples"], amount["tokens_in"], amount["tokens_out"])
    usd = "?" if amount["usd"] is None else words.money(amount["usd"]).removesuffix(" USD")
    return (*(f"{count:,}" for count in counts), usd)
