"""Blocks drawn for a terminal, or as plain text, with rich. No number is ever cut."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment, Segments
from rich.table import Table as RichTable
from rich.text import Text

from selftaught.pages.blocks import Block, Facts, Figure, Listing, Page, Paragraph, Table
from selftaught.pages.text import diff_kind, printable

_INDENT = "    "
_BETWEEN = 2
# What a last column keeps at least, so that its words are read: where breaks are taken for blanks,
# and where they stay. Narrower ones, as of numbers, are kept whole.
_ROOM_IN_LINE, _ROOM = 24, 12
_WHOLE = 20
_DIFF_STYLES = {"added": "green", "removed": "red", "place": "cyan"}
_TEXT_COLUMNS = 80


def draw_page(console: Console, page: Page, *, wraps: bool | None = None) -> None:
    """A whole page. Titles of sections that say less than what follows are left out."""
    if page.title:
        _draw_title(console, page.title)
    for sentence in page.lead:
        console.print(Text(printable(sentence)))
    is_first = not (page.title or page.lead)
    for section in page.sections:
        if not is_first:
            console.print()
        is_first = False
        if section.short_title:
            _draw_title(console, section.short_title)
        draw(console, section.blocks, wraps=wraps)


def draw(console: Console, blocks: Iterable[Block], *, wraps: bool | None = None) -> None:
    """Blocks with a blank line between them, but for paragraphs in a row, and below a bare title.

    Args:
        wraps: whether paragraphs are wrapped to the console's width; by default on a terminal,
            while in a pipe they stay whole.
    """
    wrapping = console.is_terminal if wraps is None else wraps
    before: Block | None = None
    for block in blocks:
        if isinstance(block, Figure):
            continue
        in_a_row = isinstance(before, Paragraph) and isinstance(block, Paragraph)
        below_title = isinstance(before, Facts) and not before.rows
        if before is not None and not (in_a_row or below_title):
            console.print()
        _draw(console, block, wrapping)
        before = block


def as_text(page: Page) -> str:
    """A page as plain text: 80 columns, but for what is wider by itself; no last line break."""
    console = Console(
        file=io.StringIO(), width=_TEXT_COLUMNS, markup=False, emoji=False, highlight=False
    )
    console.no_color = True
    draw_page(console, page, wraps=True)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().rstrip().split("\n"))


def rich_table(table: Table, width: int) -> RenderableType:
    """A table in so many columns: in lines, or row by row where it is wider."""
    rows = [[printable(cell) for cell in row] for row in (table.headings, *table.rows)]
    for between, room in ((" ", _ROOM_IN_LINE), ("\n", _ROOM)):
        cells = [[cell.replace("\n", between) for cell in row] for row in rows]
        widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
        last = widths[-1] if widths[-1] <= _WHOLE else room
        if sum(widths[:-1]) + _BETWEEN * (len(widths) - 1) + last <= width:
            return _in_lines(cells, counts=table.counts)
    return _row_by_row(rows)


def _draw(console: Console, block: Block, wrapping: bool) -> None:
    if not isinstance(block, Paragraph | Figure) and block.title:
        _draw_title(console, block.title)
    match block:
        case Table():
            if block.rows:
                console.print(rich_table(block, console.width))
            if block.note:
                console.print(Text(printable(block.note)))
        case Facts(rows):
            if rows:
                console.print(rich_table(Table("", ("", ""), rows), console.width))
        case Listing():
            console.print(_diff(block) if block.is_diff else _text(block), soft_wrap=True)
        case Paragraph(text, command):
            style = "bold red" if block.is_alarm else ""
            # A command is whole, to be copied.
            lines = command.split("\n") if "\n" in command else []
            said = text if lines else f"{text}{' ' if text and command else ''}{command}"
            whole = bool(command) or not wrapping
            console.print(Text(printable(said), style=style), soft_wrap=whole)
            for line in lines:
                console.print(Text(f"{_INDENT}{printable(line)}"), soft_wrap=True)


def _draw_title(console: Console, title: str) -> None:
    console.print(Text(printable(title), style="bold"), soft_wrap=not console.is_terminal)


def _in_lines(rows: Sequence[Sequence[str]], *, counts: bool) -> RichTable:
    drawn = RichTable(box=None, pad_edge=False, padding=(0, _BETWEEN, 0, 0), header_style="bold")
    headings, *others = rows
    for place, heading in enumerate(headings):
        drawn.add_column(
            Text(heading),
            no_wrap=place < len(headings) - 1,
            overflow="fold",
            justify="right" if counts and place else "left",
        )
    drawn.show_header = any(headings)
    for row in others:
        drawn.add_row(*map(Text, row))
    return drawn


def _row_by_row(rows: Sequence[Sequence[str]]) -> Group:
    """Each row by itself: what it is of, and below it each cell with its heading."""
    headings, *others = rows
    lines: list[RenderableType] = []
    for row in others:
        cells = [cell.replace("\n", " ") for cell in row]
        is_part = cells[0].startswith(" ")  # of the row above
        name = cells[0] if is_part else f"{headings[0]} {cells[0]}".strip()
        lines.append(Text(name or "-", style="bold"))
        for heading, cell in zip(headings[1:], cells[1:], strict=True):
            if cell.strip():
                said = Text(f"{heading}: {cell}" if heading else cell)
                lines.append(Padding(said, (0, 0, 0, _BETWEEN)))
    return Group(*lines)


def _text(listing: Listing) -> Segments:
    """Indented; the program itself is not parsed. All texts of a run may stand in one, and rich
    would take seconds to look for where to wrap them."""
    text = f"\n{printable(listing.text.rstrip())}".replace("\n", f"\n{_INDENT}")[1:]
    return Segments([Segment(f"{text.expandtabs()}\n")])


def _diff(listing: Listing) -> Text:
    """The same, in colours."""
    text = Text()
    for place, line in enumerate(printable(listing.text.rstrip()).split("\n")):
        kind = diff_kind(place, line)
        style = "" if kind is None else _DIFF_STYLES[kind]
        text.append(f"{'' if place == 0 else chr(10)}{f'{_INDENT}{line}'.rstrip()}", style=style)
    return text


def _width(cell: str) -> int:
    return max(map(cell_len, cell.split("\n")))
