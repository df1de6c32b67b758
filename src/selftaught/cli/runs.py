"""The runs of a store as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from selftaught.analysis.run_view import RunSummary
from selftaught.cli import words
from selftaught.cli.report import plain_table
from selftaught.cli.terminal import printable


def print_runs(console: Console, runs: Sequence[RunSummary]) -> None:
    table = plain_table("run", "kind", "state", "t", "best val", "calls", "tasks")
    for run in runs:
        table.add_row(
            run.run_id,
            run.kind,
            run.state,
            str(run.iterations - 1) if run.iterations else "-",
            words.number(run.best_value),
            f"{run.usage.lm_calls:,}",
            printable(", ".join(run.tasks)),
        )
    table.columns[-1].no_wrap = False
    console.print(table)
