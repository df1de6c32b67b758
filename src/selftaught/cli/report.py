"""The results of `run` and `improve` for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from selftaught.analysis import words
from selftaught.analysis.program_diff import unified_diff
from selftaught.analysis.safe_text import printable
from selftaught.app.shown_curve import baselines_grid
from selftaught.app.shown_result import (
    ITERATIONS_TITLE,
    Grid,
    comparison_grid,
    iterations_grid,
    measured_grid,
)
from selftaught.cli.programs import diff_text, source_text
from selftaught.studies.next_command import next_command

_WIDE = 100

Json = Mapping[str, Any]


def print_result(console: Console, command: str, result: Json, store: str) -> None:
    """The result of a study, by the command that began it; of a series, its learning curve."""
    if "series_id" in result:
        from selftaught.cli.series_pages import print_series

        print_series(console, result, store)
        return
    _PAGES[command](console, result)
    say(console, f"more: {next_command('show', result['run_id'], store)}")


def _print_run(console: Console, result: Json) -> None:
    """Iterations, comparison and spending of a STOP run."""
    print_title(console, ITERATIONS_TITLE)
    console.print(iteration_table(result["iterations"], width=console.width))
    console.print()
    print_comparison(console, result["comparison"])
    _print_end(console, result)
    say(console, f"best improver: {result['best_improver_id']}")


def _print_improve(console: Console, result: Json) -> None:
    """Seed against best, what changed, and spending."""
    print_title(console, measured_grid(result).title)
    print_measured(console, result)
    _print_best_program(console, result["best"]["source"], result["seed"]["source"])
    _print_end(console, result)
    say(console, f"best program: {result['best']['program_id']}")


def print_measured(console: Console, result: Json) -> None:
    """Seed and best on test and val with their metrics, and who else may be as good."""
    console.print(grid_table(measured_grid(result)))
    finalists = result.get("finalists", ())
    if len(finalists) > 1:
        console.print()
        print_title(console, "The best on search, measured anew on val; the first is taken")
        ranking = plain_table("program", "search", "val", "behind the first", "")
        for number, one in enumerate(finalists):
            behind = f"{words.number(one['behind']['mean'])} {words.interval(one['behind'])}"
            tied = "tied with it" if one["tied"] else "worse"
            ranking.add_row(
                one["program_id"][: words.SHORT_ID],
                words.number(one["search"]),
                words.number(one["val"]["mean"]),
                *(("", "") if number == 0 else (behind, tied)),
            )
        console.print(ranking)
    console.print()


def iteration_table(iterations: Iterable[Json], *, width: int) -> Table:
    """One row for each improver that stood; fits 80 columns."""
    return grid_table(iterations_grid(iterations, " " if width >= _WIDE else "\n"))


def print_comparison(console: Console, comparison: Json) -> None:
    """The final improver against the seed improver, twice."""
    grid = comparison_grid(comparison)
    print_title(console, grid.title)
    console.print(grid_table(grid))
    console.print(grid.note)
    console.print()
    if "baselines" in comparison:
        print_grid(console, baselines_grid(comparison))


def print_grid(console: Console, grid: Grid) -> None:
    """A table with its title and its note."""
    print_title(console, grid.title)
    console.print(grid_table(grid))
    if grid.note:
        console.print(grid.note)
    console.print()


def grid_table(grid: Grid) -> Table:
    """A table of what a result shows in Python, too; its last column is wrapped."""
    table = plain_table(*grid.headings)
    for row in grid.rows:
        table.add_row(*(printable(cell) for cell in row))
    table.columns[-1].no_wrap = False
    return table


def plain_table(*headings: str) -> Table:
    """A table with nothing but its words, whose cells are whole."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=True, overflow="fold")
    table.show_header = any(headings)
    return table


def say(console: Console, text: str) -> None:
    """A line: wrapped by words on a terminal, whole in a pipe."""
    console.print(text, soft_wrap=not console.is_terminal)


def print_title(console: Console, title: str) -> None:
    console.print(title, style="bold", soft_wrap=not console.is_terminal)


def print_diff(console: Console, diff: str | None, source: str | None) -> None:
    """What changed, or the whole program where that cannot be told."""
    if diff:
        console.print(diff_text(diff), soft_wrap=True)
    elif source is not None:
        console.print(source_text(source), soft_wrap=True)


def _print_best_program(console: Console, best: str, seed: str) -> None:
    if best == seed:
        console.print("No better program than the seed was found.\n")
        return
    print_title(console, "What changed from the seed")
    print_diff(console, unified_diff(seed, best, "seed", "best"), best)


def _print_end(console: Console, result: Json) -> None:
    ended = "" if result["state"] == "done" else f"ended by: {result['state']}; "
    model, tier = result["model"], result["sandbox_tier"]
    say(console, f"{ended}model {printable(model)}, sandbox {tier}")
    say(console, f"spent: {words.spending(result['usage'], result['wall_s'])}")


def _print_transfer(console: Console, result: Json) -> None:
    from selftaught.cli.transfer_pages import print_transferred

    print_transferred(console, result)
    _print_end(console, result)


def _print_sandbox_audit(console: Console, result: Json) -> None:
    from selftaught.cli.audit_pages import print_sandbox_audit

    print_sandbox_audit(console, result)
    _print_end(console, result)


_PAGES: Mapping[str, Callable[[Console, Json], None]] = {
    "audit": _print_sandbox_audit,
    "transfer": _print_transfer,
    "run": _print_run,
    "improve": _print_improve,
}
