"""What a result shows of itself: described once, drawn as plain text and as HTML.

Programs and names in it were written by a model: both drawings make them safe to look at.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

from selftaught.analysis import words
from selftaught.analysis.program_diff import unified_diff
from selftaught.analysis.safe_text import printable
from selftaught.studies.common_config import DEFAULT_STORE
from selftaught.studies.next_command import next_command

Json = Mapping[str, Any]

ITERATIONS_TITLE = "Meta-utility of the improver that stands after each step, with 95 % CI"
_COMPARISON_NOTE = (
    "The first difference is at the same limits. The second is against the seed improver "
    "restarted until it had drawn as many samples as the final improver drew."
)

_COLUMNS = 80
_BETWEEN = "  "


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, and a note below it. A line break in a cell stays one; the last column is wrapped
    where it is long."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A program, or what changed in one."""

    title: str
    text: str
    is_diff: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence, and a command to type."""

    text: str
    command: str = ""


Block: TypeAlias = Grid | Listing | Line


# --- the description --------------------------------------------------------------------------


def improve_blocks(result: Json, store: str = DEFAULT_STORE) -> list[Block]:
    """Seed against best, who else may be as good, the program, what changed, and spending.

    Args:
        result: the object of `improve --json`.
        store: where the run is kept.
    """
    return [
        measured_grid(result),
        *_tied(result),
        *_changes(result["seed"]["source"], result["best"]["source"]),
        Listing(f"The best program: {result['best']['program_id']}", result["best"]["source"]),
        *_end(result, store),
    ]


def self_improve_blocks(result: Json, store: str = DEFAULT_STORE) -> list[Block]:
    """Iterations, comparison, the best improver, and spending; of the object of `run --json`."""
    return [
        iterations_grid(result["iterations"]),
        comparison_grid(result["comparison"]),
        Line(f"best improver: {result['best_improver_id']}"),
        *_end(result, store),
    ]


def measured_grid(result: Json) -> Grid:
    """The seed and the best program on test and val, and their metrics on test."""
    pair = (result["seed"], result["best"])
    metrics = sorted({name for one in pair for name in one.get("metrics", ())})
    n = result["best"]["test"]["n"]
    return Grid(
        f"{result['task']}: mean over {n} sets of instances each, with 95 % CI",
        ("", "seed", "best"),
        (
            *((s, *(words.mean_and_interval(one[s]) for one in pair)) for s in ("test", "val")),
            *(
                (name, *(words.number(one.get("metrics", {}).get(name)) for one in pair))
                for name in metrics
            ),
        ),
    )


def iterations_grid(iterations: Iterable[Json], between: str = "\n") -> Grid:
    """One row for each improver that stood; with a line break between mean and interval it fits
    80 columns."""
    listed = list(iterations)
    return Grid(
        ITERATIONS_TITLE,
        ("t", "improver", _measured_on("val", listed), _measured_on("test", listed), "proposal"),
        tuple(
            (
                str(iteration["t"]),
                iteration["improver_id"][: words.SHORT_ID],
                words.mean_and_interval(iteration["val"], between),
                words.mean_and_interval(iteration["test"], between),
                words.decision(iteration["proposal"]),
            )
            for iteration in listed
        ),
    )


def comparison_grid(comparison: Json) -> Grid:
    """The final improver against the seed improver, twice."""
    n = comparison["final"]["n"]
    rows = []
    for name, key in (
        ("seed improver", "seed"),
        ("seed improver, restarted", "seed_restarted"),
        ("final improver", "final"),
    ):
        measured = comparison[key]
        if measured is not None:
            rows.append((name, words.number(measured["mean"]), words.interval(measured), ""))
    for name, key in (
        ("final - seed", "vs_seed"),
        ("final - seed restarted", "vs_seed_restarted"),
    ):
        difference = comparison[key]
        if difference is None:
            rows.append((name, "-", "-", "not measured: the budget was spent"))
            continue
        mean, interval = words.signed(difference["mean"]), words.interval(difference, sign=True)
        rows.append((name, mean, interval, words.reading(difference)))
    title = f"Comparison on test: {n} improver runs each, paired"
    return Grid(title, ("", "mean", "95 % CI", ""), tuple(rows), _COMPARISON_NOTE)


def _measured_on(stream: str, iterations: Sequence[Json]) -> str:
    counts = {iteration[stream]["n"] for iteration in iterations}
    return f"{stream} (n = {counts.pop()})" if len(counts) == 1 else stream


def _tied(result: Json) -> list[Block]:
    """One line, if val does not tell the best from all other finalists."""
    seed, best = result["seed"]["program_id"], result["best"]["program_id"]
    others = [
        "the seed" if one["program_id"] == seed else one["program_id"][: words.SHORT_ID]
        for one in result.get("finalists", ())
        if one["tied"] and one["program_id"] != best
    ]
    return [Line(f"tied with the best on val: {', '.join(others)}")] if others else []


def _changes(seed: str, best: str) -> list[Block]:
    if seed == best:
        return [Line("No better program than the seed was found.")]
    diff = unified_diff(seed, best, "seed", "best")
    if diff is None:
        return [Line("What changed from the seed is too long to be compared.")]
    return [Listing("What changed from the seed", diff, is_diff=True)]


def _end(result: Json, store: str) -> list[Block]:
    ended = f"ended after {words.duration(result['wall_s'])}: {result['state']}"
    return [
        Line(f"{ended}; model {result['model']}, sandbox {result['sandbox_tier']}"),
        Line(f"spent: {words.spending(result['usage'])}"),
        Line("more: ", next_command("show", result["run_id"], store)),
    ]


# --- plain text -------------------------------------------------------------------------------


def as_text(blocks: Iterable[Block]) -> str:
    """For a terminal: in 80 columns, but for what is wider by itself; without a last line break."""
    return _joined(blocks, _text, "\n", "\n\n")


def _joined(
    blocks: Iterable[Block], draw: Callable[[Block], str], between_lines: str, between: str
) -> str:
    """Lines stand together, all else by itself."""
    text, before = "", None
    for block in blocks:
        together = isinstance(before, Line) and isinstance(block, Line)
        text += ("" if before is None else between_lines if together else between) + draw(block)
        before = block
    return text


def _text(block: Block) -> str:
    match block:
        case Grid():
            note = _wrapped(printable(block.note), _COLUMNS) if block.note else ()
            return "\n".join([printable(block.title), *_grid_lines(block), *note])
        case Listing():
            lines = printable(block.text.rstrip()).split("\n")
            return "\n".join([printable(block.title), *(f"    {line}".rstrip() for line in lines)])
        case Line(text, ""):
            return "\n".join(_wrapped(printable(text), _COLUMNS))
        case Line(text, command):  # whole, to be copied
            return printable(f"{text}{command}")


def _grid_lines(grid: Grid) -> list[str]:
    rows = [[printable(cell).split("\n") for cell in row] for row in (grid.headings, *grid.rows)]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip(*rows, strict=True)
    ]
    left = _COLUMNS - sum(width + len(_BETWEEN) for width in widths[:-1])
    lines = []
    for row in rows:
        last = [part for line in row[-1] for part in _wrapped(line, max(left, 20))]
        cells = [*row[:-1], last]
        for n in range(max(map(len, cells))):
            parts = (cell[n] if n < len(cell) else "" for cell in cells)
            padded = (part.ljust(width) for part, width in zip(parts, widths, strict=True))
            lines.append(_BETWEEN.join(padded).rstrip())
    return lines


def _wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]


# --- HTML -------------------------------------------------------------------------------------

# Colours are the notebook's own, and what is laid over them lets them through: so it can be read
# on light and on dark ground. Notebooks stripe and right-align tables, which is undone here.
_BODY = "line-height: 1.4"
_TITLE = "margin: 0.6em 0 0.2em; font-weight: 600"
_TEXT = "margin: 0 0 0.2em"
_TABLE = (
    "border-collapse: collapse; border: none; width: auto; margin: 0 0 0.4em; "
    "background: none; color: inherit; font-size: inherit; font-variant-numeric: tabular-nums"
)
_ROW = "background: none; border: none"
_CELL = (
    "text-align: left; vertical-align: top; padding: 0.1em 1.4em 0.1em 0; border: none; "
    "background: none; color: inherit; max-width: 28em"
)
_PRE = (
    "margin: 0.2em 0 0.6em; padding: 0.6em 0.8em; max-height: 32em; overflow: auto; "
    "white-space: pre; color: inherit; background: rgba(128, 128, 128, 0.08); "
    "border: 1px solid rgba(128, 128, 128, 0.35); border-radius: 4px; "
    "font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 0.9em; line-height: 1.35"
)
_CODE = "background: none; color: inherit; font-family: ui-monospace, Menlo, Consolas, monospace"
_DIFF = {
    "+": "background: rgba(46, 160, 67, 0.25)",
    "-": "background: rgba(248, 81, 73, 0.25)",
    "@": "opacity: 0.65",
}
_DIFF_HEAD_LINES = 2


def as_html(blocks: Iterable[Block]) -> str:
    """For a notebook: self-contained, with no script, and nothing in it but text."""
    return f'<div style="{_BODY}">\n{_joined(blocks, _html, chr(10), chr(10))}\n</div>'


def _html(block: Block) -> str:
    match block:
        case Grid():
            head = _html_row(block.headings, "col")
            body = "\n".join(_html_row(row, "row") for row in block.rows)
            note = f'\n<p style="{_TEXT}">{_escaped(block.note)}</p>' if block.note else ""
            return (
                f'<p style="{_TITLE}">{_escaped(block.title)}</p>\n<table style="{_TABLE}">\n'
                f"<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>{note}"
            )
        case Listing():
            lines = block.text.rstrip().split("\n")
            drawn = (
                _html_diff_line(number, line) if block.is_diff else _escaped(line)
                for number, line in enumerate(lines)
            )
            return (
                f'<details open><summary style="{_TITLE}">{_escaped(block.title)}</summary>\n'
                f'<pre style="{_PRE}">' + "\n".join(drawn) + "</pre></details>"
            )
        case Line(text, command):
            code = f'<code style="{_CODE}">{_escaped(command)}</code>' if command else ""
            return f'<p style="{_TEXT}">{_escaped(text)}{code}</p>'


def _html_row(cells: Sequence[str], scope: str) -> str:
    """Headings: all cells of a head (`col`), the first one of a row (`row`)."""
    drawn = []
    for number, cell in enumerate(cells):
        tag, scoped = ("th", f' scope="{scope}"') if scope == "col" or number == 0 else ("td", "")
        weight = "600" if scope == "col" else "normal"
        text = "<br>".join(_escaped(line) for line in cell.split("\n"))
        drawn.append(f'<{tag}{scoped} style="{_CELL}; font-weight: {weight}">{text}</{tag}>')
    return f'<tr style="{_ROW}">{"".join(drawn)}</tr>'


def _html_diff_line(number: int, line: str) -> str:
    style = "opacity: 0.65" if number < _DIFF_HEAD_LINES else _DIFF.get(line[:1])
    text = _escaped(line)
    return text if style is None else f'<span style="{style}">{text}</span>'


def _escaped(text: str) -> str:
    return escape(printable(text))
