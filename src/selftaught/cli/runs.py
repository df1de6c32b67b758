"""The runs of a store as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.safe_text import printable
from selftaught.app.run_list import RunSummary
from selftaught.cli.report import plain_table


def print_runs(console: Console, runs: Sequence[RunSummary]) -> None:
    table = plain_table("run", "kind", "state", "t", "best val", "calls", "tasks")
    for run in runs:
        table.add_row(
            run.run_id,
            run.kind if run.series is None else f"{run.kind} {_place(run.series)}",
            run.state,
            str(run.iterations - 1) if run.iterations else "-",
            words.number(run.best_value),
            f"{run.usage.lm_calls:,}",
            printable(", ".join(run.tasks)),
        )
    table.columns[-1].no_wrap = False
    console.print(table)


def _place(series: Mapping[str, Any]) -> str:
    """In its series, such as 2/5."""
    return f"{series['index'] + 1}/{series['of']}"
