"""What a run will take of the model, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selftaught.pages import words
from selftaught.pages.blocks import Block, Page, Paragraph, Section, Table

_COLUMNS = ("calls", "samples", "tokens in", "tokens out", "USD")
_MEANING = (
    "Likely: every improver does what the first one does, and responses are as long as the "
    "program and a few sentences; models that reason take more. At most: every limit is used "
    "up, prompts are as long as --prompt-kb allows, and responses as --max-tokens; requests "
    "that break off and are made again come on top. A budget (--usd) bounds all of it."
)


def estimate_page(estimate: Mapping[str, Any]) -> Page:
    """Likely and at most, step by step, and what the budget allows of it."""
    blocks: list[Block] = []
    for kind, heading in (("likely", "likely"), ("most", "at most")):
        rows = [(step["name"], *_cells(step[kind])) for step in estimate["steps"]]
        rows.append(("in all", *_cells(estimate[kind])))
        if kind == "most" and any(limit is not None for limit in estimate["budget"].values()):
            rows.append(("and within the budget", *_cells(estimate["most_within_budget"])))
        blocks.append(Table("", (heading, *_COLUMNS), tuple(rows), counts=True))
    blocks.append(Paragraph(_MEANING))
    if estimate["likely"]["usd"] is None:
        blocks.append(Paragraph("The price is not known: give --price-in and --price-out."))
    title = f"What the run will ask of {estimate['model']}; spent: nothing"
    return Page(title, (), (Section("estimate", "", tuple(blocks)),))


def _cells(amount: Mapping[str, Any]) -> tuple[str, ...]:
    counts = (amount["lm_calls"], amount["samples"], amount["tokens_in"], amount["tokens_out"])
    usd = "?" if amount["usd"] is None else words.dollars(amount["usd"])
    return (*(f"{count:,}" for count in counts), usd)
