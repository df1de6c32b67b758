"""`selftaught strategies`: which search strategies the improvers of a run use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from selftaught.cli.options import SectionedCommand, json_option, option, reading_store_option
from selftaught.pages import words
from selftaught.pages.blocks import Block, Facts, Listing, Paragraph, Table

if TYPE_CHECKING:
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
    from selftaught.cli.terminal import paged, print_json, reading
    from selftaught.pages.terminal import draw

    with reading(store):
        found = core_thread.run(find_strategies(store, run))
    if as_json:
        print_json(found.as_json(with_diff=diff))
        return
    with paged() as console:
        draw(console, _blocks(found, with_diff=diff))


def _blocks(found: RunStrategies, *, with_diff: bool) -> Iterator[Block]:
    """Lineage and values of all improvers, then the strategies of each with their evidence."""
    rows = [_lineage_row(depth, one) for depth, one in _as_tree(found.improvers)]
    title = f"Improvers of run {found.run_id}, and where they came from"
    note = "lines: of the improver's program; calls: of the model, as show --trace has them"
    yield Table(title, ("t", "improver", "val", "test", "became"), tuple(rows), note)
    for one in found.improvers:
        improver = one.ancestry.improver_id[: words.SHORT_ID]
        runs = words.counted(one.traced_runs, "improver run")
        yield Facts((), f"Strategies of {improver}, in its program and in {runs}")
        yield from map(Paragraph, _evidence(one))
        if with_diff and one.ancestry.parent is not None:
            yield _diff(one)


def _lineage_row(depth: int, one: ImproverStrategies) -> tuple[str, ...]:
    ancestry = one.ancestry
    branch = "  " * (depth - 1) + "└ " if depth else ""
    values = (
        "-" if value is None else words.mean_and_interval(value.as_json(), "\n")
        for value in (ancestry.val, ancestry.test)
    )
    improver = f"{branch}{ancestry.improver_id[: words.SHORT_ID]}"
    return (str(ancestry.t), improver, *values, _became(one))


def _evidence(one: ImproverStrategies) -> Iterator[str]:
    if one.unreadable is not None:
        yield f"its program could not be read: {one.unreadable}"
    if not one.strategies:
        yield "none found" if one.unreadable is None else "none found in its calls"
    for strategy in one.strategies:
        yield strategy.strategy
        for finding in strategy.findings:
            lines = _listed("line", [str(line) for line in finding.lines])
            calls = _listed("call", [key[: words.SHORT_ID] for key in finding.calls])
            yield f"  {lines or calls}: {finding.evidence}"


def _listed(noun: str, names: list[str]) -> str:
    """Such as "lines 3, 14" or "calls 1b2c3d4e, 5f60718a and 17 more"; empty for none."""
    if not names:
        return ""
    shown = names if len(names) <= _MOST_SHOWN[noun] else names[: _MOST_SHOWN[noun] - 1]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return f"{noun}{'' if len(names) == 1 else 's'} {', '.join(shown)}{more}"


def _diff(one: ImproverStrategies) -> Block:
    if one.diff is None:
        return Paragraph("what changed is not known: a program is missing, or too long to compare")
    if one.diff == "":
        return Paragraph("the same program")
    return Listing("What changed", one.diff, is_diff=True)


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
