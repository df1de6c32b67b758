"""A report as one HTML page: no script, nothing from elsewhere, and nothing in it but text.

The page forbids itself (Content-Security-Policy) all but its own style and pictures, so that even a
text that got past the escaping could do nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from selftaught.analysis.report.document import (
    Block,
    Document,
    Facts,
    Figure,
    Listing,
    Paragraph,
    Section,
    Table,
    figure_files,
    sheet_file,
)
from selftaught.analysis.safe_text import printable

if TYPE_CHECKING:
    from selftaught.analysis.report.figures import Drawn

# Below this width of the screen the narrow drawing of a figure is shown.
_NARROW_PX = 700
_DIFF_CLASSES = {"+": "added", "-": "removed", "@": "place"}
_DIFF_HEAD_LINES = 2
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def as_html(document: Document, drawn: Mapping[str, Drawn]) -> str:
    """The whole page, with its figures in it."""
    style = resources.files("selftaught.analysis.report").joinpath("page.css")
    lead = "\n".join(f"<p>{_text(sentence)}</p>" for sentence in document.lead)
    contents = "\n".join(
        f'<li><a href="#{section.name}">{_text(section.title)}</a></li>'
        for section in document.sections
    )
    sections = "\n".join(_section(section, drawn) for section in document.sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{_text(document.title)}</title>
<style>
{style.read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<h1>{_text(document.title)}</h1>
{lead}
</header>
<nav aria-label="Contents">
<ul>
{contents}
</ul>
</nav>
<main>
{sections}
</main>
<footer>
<p>Made by selftaught {_text(document.version)} from the journal of {_text(document.run_id)}; every
number on this page is derived from it.{_beside(document)}</p>
</footer>
</body>
</html>
"""


def _beside(document: Document) -> str:
    names = [
        *(name for figure in document.figures for name in figure_files(figure)),
        *(sheet_file(sheet) for sheet in document.sheets),
        *document.files,
    ]
    links = ", ".join(f'<a href="{_text(name)}">{_text(name)}</a>' for name in names)
    return f" Beside it: {links}." if links else ""


def _section(section: Section, drawn: Mapping[str, Drawn]) -> str:
    blocks = "\n".join(_block(block, drawn) for block in section.blocks)
    return f'<section id="{section.name}">\n<h2>{_text(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block, drawn: Mapping[str, Drawn]) -> str:
    match block:
        case Table():
            return _table(block)
        case Facts(rows):
            listed = "\n".join(
                f"<dt>{_text(name)}</dt><dd>{_cell(said)}</dd>" for name, said in rows
            )
            return f"<dl>\n{listed}\n</dl>"
        case Listing():
            return _listing(block)
        case Figure():
            return _figure(block, drawn[block.name])
        case Paragraph(text, command):
            code = f" <code>{_cell(command)}</code>" if command else ""
            return f"<p>{_text(text)}{code}</p>"


def _table(table: Table) -> str:
    title = f"<h3>{_text(table.title)}</h3>\n" if table.title else ""
    head = _row(table.headings, "col") if any(table.headings) else ""
    body = "\n".join(_row(row, "row") for row in table.rows)
    note = f'\n<p class="note">{_text(table.note)}</p>' if table.note else ""
    kind = ' class="counts"' if table.counts else ""
    label = _text(table.title or "table")
    # A table that is wider than the screen is scrolled by itself, with the keyboard, too.
    return (
        f'{title}<div class="scrolled" tabindex="0" role="region" aria-label="{label}">\n'
        f"<table{kind}>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
        f"</div>{note}"
    )


def _row(cells: Sequence[str], scope: str) -> str:
    """Headings: all cells of a head (`col`), the first one of a row (`row`)."""
    drawn = [
        f'<th scope="{scope}">{_cell(cell)}</th>'
        if scope == "col" or place == 0
        else f"<td>{_cell(cell)}</td>"
        for place, cell in enumerate(cells)
    ]
    return f"<tr>{''.join(drawn)}</tr>"


def _listing(listing: Listing) -> str:
    lines = listing.text.rstrip().split("\n")
    drawn = [
        _diff_line(place, line) if listing.is_diff else _text(line)
        for place, line in enumerate(lines)
    ]
    state = " open" if listing.is_open else ""
    return (
        f"<details{state}><summary>{_text(listing.title)}</summary>\n"
        f'<pre tabindex="0"><code>{chr(10).join(drawn)}</code></pre></details>'
    )


def _diff_line(place: int, line: str) -> str:
    kind = "place" if place < _DIFF_HEAD_LINES else _DIFF_CLASSES.get(line[:1])
    return _text(line) if kind is None else f'<span class="{kind}">{_text(line)}</span>'


def _figure(figure: Figure, drawn: Drawn) -> str:
    # A picture, not a part of the page: nothing that stands in it can act on the page.
    return (
        "<figure>\n<picture>\n"
        f'<source media="(max-width: {_NARROW_PX}px)" srcset="{_address(drawn.narrow_svg)}">\n'
        f'<img src="{_address(drawn.svg)}" alt="{_text(figure.alt)}">\n'
        f"</picture>\n<figcaption>{_text(figure.caption)}</figcaption>\n</figure>"
    )


def _address(svg: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def _cell(text: str) -> str:
    return "<br>".join(_text(line) for line in text.split("\n"))


def _text(text: str) -> str:
    return escape(printable(text))
