"""Runs side by side: what differs in their configuration, their curves, and their programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from selftaught.analysis.curve import learning_curve
from selftaught.core.errors import SelfTaughtError
from selftaught.core.text import without_passwords
from selftaught.journal.reader import JournalReader
from selftaught.pages import words
from selftaught.pages.markup import Html, joined, tag
from selftaught.pages.svg import At, Plot, Series, drawn, numbers_of
from selftaught.pages.text import unified_diff
from selftaught.studies.next_command import next_command
from selftaught.studies.stop.models_page import side_by_side, side_by_side_page
from selftaught.web.ui.frame import (
    Parts,
    View,
    command,
    listing,
    program_link,
    run_link,
    section,
    state_mark,
    table,
)
from selftaught.web.ui.glance import Glance
from selftaught.web.ui.parts import page_html
from selftaught.web.ui.watch import Watcher

MOST = 7  # as many as there are colours


async def compare_view(watcher: Watcher, run_ids: Sequence[str]) -> View:
    async def draw() -> Parts:
        found = [await watcher.glance(one) for one in run_ids]
        glances = [one for one in found if one is not None]
        return {
            "heads": _heads(glances, watcher),
            "curves": _curves(glances),
            "config": _config(glances),
        }

    def read(reader: JournalReader) -> Parts:
        stands = [(one, one.standing.best) for one in map(watcher.known, run_ids) if one]
        return {
            "programs": section("Their best programs", *_programs(reader, stands)),
            "gains": _gains(reader, run_ids),
        }

    await draw()
    parts = {"heads": Html(), "curves": Html(), "config": Html(), **await watcher.slowly(read)}
    typed = command(next_command("show", " ".join(run_ids), watcher.shown), "Gains of STOP runs:")
    return View("Runs side by side", {**parts, "same": typed}, draw, (("Runs", "/"),))


def _heads(glances: Sequence[Glance], watcher: Watcher) -> Html:
    rows = []
    for one in glances:
        head, stands = one.seen_head(watcher.location), one.standing
        value = stands.search if stands.value is None else stands.value
        spent = f"{one.usage.samples:,} samples, {words.money(one.usage.usd)}"
        tasks = ", ".join(head.task_names)
        cells = (state_mark(head), head.command, tasks, head.model, words.number(value), spent)
        rows.append((run_link(one.run_id), *cells))
    heads = ("run", "state", "kind", "tasks", "model", "best so far", "spent")
    return table(heads, rows, "Runs side by side")


def _curves(glances: Sequence[Glance]) -> Html:
    """Best so far over samples, a line a run; where all have steps, on val."""
    lines = []
    for one in glances:
        if one.steps:
            steps = [one.steps[t] for t in sorted(one.steps)]
            points = [
                At(samples, it.val.mean, *(it.val.ci95 or (None, None))) for it, samples, _ in steps
            ]
        else:
            points = [At(at.samples, at.value) for at in one.rises]
        if points:
            points.append(At(one.usage.samples, points[-1].y))
            lines.append(Series(f"{one.run_id} {one.head.model}", points, True))
    if not lines:
        return Html()
    kinds = {("val" if one.steps else "search", one.head.task_names) for one in glances}
    plot = Plot("samples drawn", "best so far", lines, whole=True)
    seen = "; ".join(f"{line.name} ends at {words.number(line.points[-1].y)}" for line in lines)
    note = "Not of the same tasks and streams: values do not compare." if len(kinds) > 1 else None
    figure = tag("figure", drawn(plot, f"Best so far: {seen}"), numbers_of(plot))
    return section("Best so far over samples", tag("p", note) if note else None, figure)


def _config(glances: Sequence[Glance]) -> Html:
    """Settings in which they differ; where each keeps its runs and keys is none of it."""
    flat = [{**dict(_flat(one.head.config)), "version": one.head.version} for one in glances]
    names = dict.fromkeys(name for one in flat for name in one)
    rows = []
    for name in names:
        said = [one.get(name, "") for one in flat]
        if len(set(said)) > 1 and name not in ("store", "instance_key"):
            rows.append((name, *said))
    title = "What differs in configuration"
    if not rows:
        return section(title, tag("p", "Nothing."))
    heads = ("setting", *(one.run_id for one in glances))
    return section(title, table(heads, rows, title))


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _flat(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, without_passwords(str(value))


def _programs(reader: JournalReader, stands: Sequence[tuple[Glance, str | None]]) -> Iterator[Html]:
    """Each best program beside that of the run before it."""
    known = [(one.run_id, best) for one, best in stands if best is not None]
    sources = reader.texts({best for _, best in known})
    for run_id, best in known:
        yield tag("p", "Run ", run_link(run_id), ": program ", program_link(best, run_id))
    for (first, one), (second, other) in pairwise(known):
        diff = unified_diff(sources[one], sources[other], one, other)
        between = f"From the best of {first} to that of {second}"
        if diff == "":
            yield tag("p", f"{between}: the same program.")
        elif diff is None:
            yield tag("p", f"{between}: too long to be compared.")
        else:
            yield listing(between, diff, diff=True)


def _gains(reader: JournalReader, run_ids: Sequence[str]) -> Html:
    """What each gains, of STOP runs."""
    try:
        curves = [learning_curve(reader, one) for one in run_ids]
    except (LookupError, SelfTaughtError):
        return Html()  # not all of them are STOP runs with a step
    found = side_by_side([*{curve.series_id: curve for curve in curves}.values()])
    return joined(page_html(side_by_side_page(found)))
