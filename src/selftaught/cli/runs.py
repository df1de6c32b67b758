"""The runs of a store as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.app.run_list import RunSummary
from selftaught.pages import words
from selftaught.pages.blocks import Table


def runs_table(runs: Sequence[RunSummary]) -> Table:
    rows = tuple(
        (
            run.run_id,
            run.kind if run.series is None else f"{run.kind} {_place(run.series)}",
            run.state,
            str(run.iterations - 1) if run.iterations else "-",
            words.number(run.best_value),
            f"{run.usage.lm_calls:,}",
            ", ".join(run.tasks),
        )
        for run in runs
    )
    return Table("", ("run", "kind", "state", "t", "best val", "calls", "tasks"), rows)


def _place(series: Mapping[str, Any]) -> str:
    """In its series, such as 2/5."""
    return f"{series['index'] + 1}/{series['of']}"
