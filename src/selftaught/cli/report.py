"""The results of `run` and `improve` for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from selftaught.analysis.program_diff import unified_diff
from selftaught.cli import words
from selftaught.cli.programs import diff_text, source_text
from selftaught.cli.terminal import printable

_WIDE = 100

Json = Mapping[str, Any]


def print_run(console: Console, result: Json) -> None:
    """Iterations, comparison and spending of a STOP run."""
    print_title(console, "Meta-utility of the improver that stands after each step, with 95 % CI")
    console.print(iteration_table(result["iterations"], width=console.width))
    console.print()
    print_comparison(console, result["comparison"])
    _print_end(console, result)
    say(console, f"best improver: {result['best_improver_id']}")
    _print_more(console, result)


def print_improve(console: Console, result: Json, seed_source: str) -> None:
    """Seed against best, what changed, and spending."""
    n = result["best"]["test"]["n"]
    print_title(console, f"{result['task']}: mean over {n} sets of instances each, with 95 % CI")
    print_measured(console, result)
    _print_best_program(console, result["best"]["source"], seed_source)
    _print_end(console, result)
    say(console, f"best program: {result['best']['program_id']}")
    _print_more(console, result)


def print_measured(console: Console, result: Json) -> None:
    """Seed and best on val and test with their metrics, and who else may be as good."""
    metrics = sorted({*result["seed"].get("metrics", ()), *result["best"].get("metrics", ())})
    table = plain_table("program", "val", "test", *(printable(name) for name in metrics))
    for name in ("seed", "best"):
        measured = result[name]
        table.add_row(
            name,
            *(words.mean_and_interval(measured[s]) for s in ("val", "test")),
            *(words.number(measured["metrics"].get(metric)) for metric in metrics),
        )
    console.print(table)
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
    listed = list(iterations)
    between = " " if width >= _WIDE else "\n"
    table = plain_table(
        "t", "improver", _measured_on("val", listed), _measured_on("test", listed), "proposal"
    )
    for iteration in listed:
        table.add_row(
            str(iteration["t"]),
            iteration["improver_id"][: words.SHORT_ID],
            words.mean_and_interval(iteration["val"], between),
            words.mean_and_interval(iteration["test"], between),
            printable(words.decision(iteration["proposal"])),
        )
    table.columns[-1].no_wrap = False
    return table


def print_comparison(console: Console, comparison: Json) -> None:
    """The final improver against the seed improver, twice."""
    n = comparison["final"]["n"]
    print_title(console, f"Comparison on test: {n} improver runs each, paired")
    table = plain_table("", "mean", "95 % CI", "")
    for name, key in (
        ("seed improver", "seed"),
        ("seed improver, restarted", "seed_restarted"),
        ("final improver", "final"),
    ):
        measured = comparison[key]
        if measured is not None:
            table.add_row(name, words.number(measured["mean"]), words.interval(measured), "")
    for name, key in (
        ("final - seed", "vs_seed"),
        ("final - seed restarted", "vs_seed_restarted"),
    ):
        difference = comparison[key]
        if difference is None:
            table.add_row(name, "-", "-", "not measured: the budget was spent")
            continue
        mean, interval = words.signed(difference["mean"]), words.interval(difference, sign=True)
        table.add_row(name, mean, interval, words.reading(difference))
    table.columns[-1].no_wrap = False
    console.print(table)
    console.print(
        "The first difference is at the same limits. The second is against the seed improver "
        "restarted until it had drawn as many samples as the final improver drew."
    )
    console.print()


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


def _measured_on(stream: str, iterations: list[Json]) -> str:
    counts = {iteration[stream]["n"] for iteration in iterations}
    return f"{stream} (n = {counts.pop()})" if len(counts) == 1 else stream


def _print_end(console: Console, result: Json) -> None:
    ended = "" if result["state"] == "done" else f"ended by: {result['state']}; "
    model, tier = result["model"], result["sandbox_tier"]
    say(console, f"{ended}model {printable(model)}, sandbox {tier}")
    say(console, f"spent: {words.spending(result['usage'], result['wall_s'])}")


def _print_more(console: Console, result: Json) -> None:
    say(console, f"more: selftaught show {result['run_id']}")
