"""The results of a series of runs for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console

from selftaught.analysis import words
from selftaught.analysis.safe_text import printable
from selftaught.app.shown_curve import curve_baselines_grid, curve_grid, runs_grid
from selftaught.cli.report import print_grid, say
from selftaught.studies.next_command import next_command

Json = Mapping[str, Any]


def print_series(console: Console, result: Json, store: str) -> None:
    """Each run, the learning curve over all of them, and their spending."""
    print_grid(console, runs_grid(result))
    print_curve(console, result["curve"])
    ended = "" if result["state"] == "done" else f"ended by: {result['state']}; "
    tiers = dict.fromkeys(run["sandbox_tier"] for run in result["runs"])
    model = printable(result["curve"]["model"])
    say(console, f"{ended}model {model}, sandbox {', '.join(tiers)}")
    say(console, f"spent: {words.spending(result['usage'], result['wall_s'])}")
    say(console, f"more: {next_command('show', result['series_id'], store)}")


def print_curve(console: Console, curve: Json) -> None:
    """The curve, and the baselines if there are any."""
    print_grid(console, curve_grid(curve))
    if curve["baselines"]:
        print_grid(console, curve_baselines_grid(curve))
