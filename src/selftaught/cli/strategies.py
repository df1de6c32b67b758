"""`selftaught strategies`: which search strategies the improvers of a run use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from selftaught.cli.options import json_option, reading_store_option
from selftaught.cli.sections import SectionedCommand, option

if TYPE_CHECKING:
    from rich.console import Console

    from selftaught.analysis.strategies.of_run import ImproverStrategies, RunStrategies

_MOST_SHOWN = {"line": 8, "call": 3}


@click.command(cls=SectionedCommand, short_help="Find the search strategies of a run's improvers.")
@click.argument("run")
@option("--diff", is_flag=True, help="Show what each proposal changed in the improver before it.")
@reading_store_option
@json_option
def strategies(run: str, diff: bool, store: str, as_json: bool) -> None:
    """Find the search strategies that the improvers of a RUN use, each with its evidence.

    A strategy is found in an improver's program, whose text is read in the sandbox, in the calls
    that it made, or in both. RUN is a run's id, the start of it, or `latest`. No model is asked.
    """
    from selftaught.app import core_thread
    from selftaught.app.strategies import find_strategies
    from selftaught.cli.terminal import paged, print_json

    found = core_thread.run(find_strategies(store, run))
    if as_json:
        print_json(found.as_json(with_diff=diff))
        return
    with paged() as console:
        print_strategies(console, found, with_diff=diff)


def print_strategies(console: Console, found: RunStrategies, *, with_diff: bool) -> None:
    """Lineage and values of all improvers, then the strategies of each with their evidence."""
    from selftaught.analysis import words
    from selftaught.analysis.safe_text import printable
    from selftaught.cli.report import plain_table, print_title, say

    print_title(console, f"Improvers of run {found.run_id}, and where they came from")
    table = plain_table("t", "improver", "val", "test", "became")
    for depth, one in _as_tree(found.improvers):
        ancestry = one.ancestry
        branch = "  " * (depth - 1) + "└ " if depth else ""
        table.add_row(
            str(ancestry.t),
            f"{branch}{ancestry.improver_id[: words.SHORT_ID]}",
            *(
                "-" if value is None else words.mean_and_interval(value.as_json(), "\n")
                for value in (ancestry.val, ancestry.test)
            ),
            printable(_became(one)),
        )
    table.columns[-1].no_wrap = False
    console.print(table)
    console.print()
    for one in found.improvers:
        _print_improver(console, one)
        if with_diff and one.ancestry.parent is not None:
            _print_diff(console, one)
        else:
            console.print()
    say(console, "lines: of the improver's program; calls: of the model, as show --trace has them")


def _print_improver(console: Console, one: ImproverStrategies) -> None:
    from selftaught.analysis import words
    from selftaught.analysis.safe_text import printable
    from selftaught.cli.report import print_title, say

    improver = one.ancestry.improver_id[: words.SHORT_ID]
    runs = words.counted(one.traced_runs, "improver run")
    print_title(console, f"Strategies of {improver}, in its program and in {runs}")
    if one.unreadable is not None:
        say(console, f"its program could not be read: {printable(one.unreadable)}")
    if not one.strategies:
        console.print("none found" if one.unreadable is None else "none found in its calls")
    for strategy in one.strategies:
        console.print(strategy.strategy)
        for finding in strategy.findings:
            lines = _listed("line", [str(line) for line in finding.lines])
            calls = _listed("call", [key[: words.SHORT_ID] for key in finding.calls])
            say(console, f"  {lines or calls}: {printable(finding.evidence)}")


def _listed(noun: str, names: list[str]) -> str:
    """Such as "lines 3, 14" or "calls 1b2c3d4e, 5f60718a and 17 more"; empty for none."""
    if not names:
        return ""
    shown = names if len(names) <= _MOST_SHOWN[noun] else names[: _MOST_SHOWN[noun] - 1]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return f"{noun}{'' if len(names) == 1 else 's'} {', '.join(shown)}{more}"


def _print_diff(console: Console, one: ImproverStrategies) -> None:
    from selftaught.cli.report import print_diff

    if one.diff is None:
        console.print("what changed is not known: a program is missing, or too long to compare\n")
    elif one.diff == "":
        console.print("the same program\n")
    else:
        print_diff(console, one.diff, None)


def _as_tree(
    improvers: tuple[ImproverStrategies, ...],
) -> list[tuple[int, ImproverStrategies]]:
    """Each improver after its parent, with its depth."""
    children: dict[str | None, list[ImproverStrategies]] = {}
    known = {one.ancestry.improver_id for one in improvers}
    for one in improvers:
        parent = one.ancestry.parent
        is_root = parent not in known or parent == one.ancestry.improver_id
        children.setdefault(None if is_root else parent, []).append(one)
    found: list[tuple[int, ImproverStrategies]] = []
    waiting = [(0, one) for one in reversed(children.get(None, []))]
    while waiting:
        depth, one = waiting.pop()
        found.append((depth, one))
        below = children.get(one.ancestry.improver_id, [])
        waiting.extend((depth + 1, child) for child in reversed(below))
    return found


def _became(one: ImproverStrategies) -> str:
    ancestry = one.ancestry
    if ancestry.accepted is None:
        return "the improver to begin with"
    return f"{'adopted' if ancestry.accepted else 'refused'}: {ancestry.reason}"
