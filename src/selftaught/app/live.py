"""The live display of a run on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from selftaught.app.tally import COMPARISON, Tally, title
from selftaught.pages import words
from selftaught.pages.terminal import rich_table
from selftaught.pages.text import printable
from selftaught.studies.stop.page import iterations_table

_REFRESHES_A_SECOND = 8
_BAR_WIDTH, _LEAST_BAR = 24, 6
_LABELS = 15  # columns that the names take, with what is between
_LINES_AROUND = 15
_NOTICES = 3
_LINES_AN_ITERATION = 2


@contextmanager
def live(console: Console, tally: Tally, *, transient: bool) -> Iterator[None]:
    """Show the tally, as it changes, while the body runs."""
    with Live(
        console=console,
        get_renderable=lambda: display(tally, console),
        refresh_per_second=_REFRESHES_A_SECOND,
        transient=transient,
    ):
        yield


def display(tally: Tally, console: Console) -> RenderableType:
    """The whole picture, as it stands now."""
    elapsed = words.duration(tally.elapsed_s)
    if tally.run_id is None:
        return Text(f"starting the sandbox, checking the tasks   {elapsed}")
    parts: list[RenderableType] = [Text(f"{tally.run_id}  {printable(title(tally.head))}")]
    if tally.iterations:
        room = max(1, (console.height - _LINES_AROUND) // _LINES_AN_ITERATION)
        shown = iterations_table(list(tally.iterations)[-room:])
        parts.append(rich_table(shown, console.width))
    parts.append(_counts(tally, elapsed, console.width - _LABELS))
    return Group(*parts)


def _counts(tally: Tally, elapsed: str, room: int) -> Table:
    """Args: room: columns beside the names."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_row("step", _step(tally, elapsed, room))
    failed = f", {tally.ended_failed:,} of them failed" if tally.ended_failed else ""
    grid.add_row("improver runs", f"{tally.ended:,} done{failed}, {tally.running} running")
    failed = f", {tally.scored_failed:,} of them failed" if tally.scored_failed else ""
    grid.add_row("candidates", f"{tally.scored:,} scored{failed}")
    grid.add_row("model calls", _spent(tally.model_calls, tally.limit("lm_calls"), room))
    grid.add_row("samples", _spent(tally.samples, tally.limit("samples"), room))
    if tally.tokens_out:
        grid.add_row("output", tally.tokens)
    if tally.usd or tally.limit("usd"):
        grid.add_row("money", _money(tally.usd, tally.limit("usd"), room))
    if tally.requests_failed:
        grid.add_row("faults", words.counted(tally.requests_failed, "request") + " failed")
    grid.add_row("best", _best(tally))
    for notice in tally.notices[-_NOTICES:]:
        grid.add_row("note", printable(notice))
    return grid


def _step(tally: Tally, elapsed: str, room: int) -> RenderableType:
    """What is done now; of a STOP run also how far it is, where the comparison is the last step."""
    last = tally.steps
    if last is None:
        return f"{tally.state or tally.phase or 'searching'}, {elapsed}"
    done = len(tally.iterations)
    said = f"t = {min(done, last)} of {last}"
    if tally.phase == COMPARISON:
        done, said = last + 1, "comparison on test"
    if tally.state == "done":
        done = last + 2
    said = tally.state or said
    return _bar(done, last + 2, f"{said}, {elapsed}", room)


def _money(usd: float, limit: float | None, room: int) -> RenderableType:
    if limit is None:
        return f"{usd:.4f} USD"
    return _bar(usd, limit, f"{usd:.4f} of {limit:g} USD", room)


def _spent(count: int, limit: float | None, room: int) -> RenderableType:
    if limit is None:
        return f"{count:,}"
    return _bar(count, limit, f"{count:,} of {limit:,.0f}", room)


def _bar(done: float, of: float, said: str, room: int) -> RenderableType:
    """As long as there is room beside what is said, which is never cut; else only that."""
    width = min(_BAR_WIDTH, room - len(said) - 4)
    if width < _LEAST_BAR:
        return said
    row = Table.grid(padding=(0, 2, 0, 0))
    bar = ProgressBar(total=of, completed=min(done, of), width=width, complete_style="cyan")
    row.add_row(bar, said)
    return row


def _best(tally: Tally) -> str:
    if tally.steps is not None:
        values = [iteration["val"]["mean"] for iteration in tally.iterations]
        stream = "val"
    else:
        values = list(tally.best)
        stream = "search"
    if not values:
        return "-"
    best = max(values) if tally.steps is not None else values[-1]
    return f"{words.number(best)} on {stream}; began with {words.number(values[0])}"
