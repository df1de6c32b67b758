"""Tables and numbers of other pages, as those of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selftaught.analysis.report.document import Table
from selftaught.app.shown_result import Grid

Json = Mapping[str, Any]

ESTIMATE = ("mean", "low", "high", "n")


def table(grid: Grid) -> Table:
    """What a result shows of itself."""
    return Table(grid.title, grid.headings, grid.rows, grid.note)


def estimate_cells(measured: Json | None) -> dict[str, Any]:
    """A mean and its interval in columns; empty where nothing was measured."""
    if measured is None:
        return dict.fromkeys(ESTIMATE)
    low, high = measured["ci95"] or (None, None)
    return {"mean": measured["mean"], "low": low, "high": high, "n": measured["n"]}
