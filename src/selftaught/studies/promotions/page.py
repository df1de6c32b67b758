"""What is shown of an audit of promotions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.pages import words
from selftaught.pages.blocks import Block, Paragraph, Section, Sheet, Table
from selftaught.studies.run_sections import ESTIMATE, estimate_cells

Json = Mapping[str, Any]


def promotions_section(results: Sequence[Json]) -> Section:
    """Of one audit, or of all of a run."""
    blocks: list[Block] = [block for result in results for block in _blocks(result)]
    columns = ("run_id", "t", "policy", "improver_id", "val_difference", *ESTIMATE, "false")
    rows = [
        {name: row[name] for name in (*columns[:5], "false")} | estimate_cells(row["difference"])
        for result in results
        for row in result["promotions"]
    ]
    title = "Were adopted proposals better?"
    sheet = Sheet("promotions", columns, rows)
    return Section("promotions", title, tuple(blocks), [*results], (sheet,))


def _blocks(result: Json) -> Iterator[Block]:
    yield Table(
        "False promotions by policy: no better than their parents on fresh instances",
        ("policy", "adopted", "false", "% [95 % interval]", "shown better", "shown worse"),
        tuple(_policy_row(one) for one in result["policies"]),
        "A promotion is false if its measured mean difference is not above 0; of one that is as "
        "good as its parent that is a toss-up. Shown: its own interval lies above, or below, 0. "
        "Intervals of shares are Clopper and Pearson's, which take promotions as independent.",
    )
    yield Table(
        f"Adopted proposals minus their parents, {result['pairs']} pairs a task",
        ("run", "proposal", "on val", "anew", ""),
        tuple(_row(row) for row in result["promotions"]),
    )
    if result["not_measured"]:
        count = words.counted(result["not_measured"], "promotion")
        yield Paragraph(f"Not measured, the budget was spent: {count}.")


def _policy_row(one: Json) -> tuple[str, ...]:
    low, high = (f"{100 * end:.1f}" for end in one["ci95"])
    share = f"{100 * one['share']:.1f} [{low}, {high}]"
    counts = (str(one[name]) for name in ("shown_better", "shown_worse"))
    return (one["policy"], str(one["n"]), str(one["false"]), share, *counts)


def _row(row: Json) -> tuple[str, ...]:
    said = "false promotion" if row["false"] else "higher"
    shown = f"\nshown {row['shown']}" if row["shown"] else ""
    val = row["val_difference"]
    return (
        f"{row['run_id']}\nt = {row['t']}, {row['policy']}",
        row["improver_id"][: words.SHORT_ID],
        "-" if val is None else words.signed(val),
        words.difference(row["difference"]),
        f"{said}{shown}",
    )
