"""Pages as HTML: no script, nothing from elsewhere, and nothing in it but text.

One markup, one style sheet: a fragment for a notebook or a part of a page carries its part of it
and can be read on light and on dark ground; a whole page forbids itself (Content-Security-Policy)
all but its own style and pictures, so that even a text that got past the escaping could do nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from selftaught.pages.blocks import Block, Facts, Figure, Listing, Page, Paragraph, Section, Table
from selftaught.pages.markup import Html
from selftaught.pages.text import diff_kind, printable

if TYPE_CHECKING:
    from selftaught.pages.figures import Drawn

# Below this width of the screen the narrow drawing of a figure is shown.
_NARROW_PX = 700
# More are not read side by side on a telephone.
_FEW_COLUMNS = 3
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

Figures = Mapping[str, "Drawn"]


def fragment(page: Page, drawn: Figures | None = None) -> str:
    """A page as a part of another, with its style; figures that are not drawn are left out."""
    title = f"<h2>{_text(page.title)}</h2>\n" if page.title else ""
    sections = "\n".join(
        (f"<h3>{_text(one.short_title)}</h3>" if one.short_title else "") + section_body(one, drawn)
        for one in page.sections
    )
    style = f"<style>\n{_style('blocks.css')}</style>"
    return f'{style}\n<div class="selftaught">\n{title}{_lead(page)}{sections}\n</div>'


def whole(page: Page, drawn: Figures, beside: Sequence[str], made: str) -> str:
    """A page by itself, with its figures in it.

    Args:
        beside: names of the files beside it.
        made: by what, and of what.
    """
    contents = "\n".join(
        f'<li><a href="#{section.name}">{_text(section.title)}</a></li>'
        for section in page.sections
    )
    sections = "\n".join(
        f'<section id="{one.name}">\n<h2>{_text(one.title)}</h2>\n'
        f"{section_body(one, drawn)}\n</section>"
        for one in page.sections
    )
    links = ", ".join(f'<a href="{_text(name)}">{_text(name)}</a>' for name in beside)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{_text(page.title)}</title>
<style>
{_style("page.css")}{_style("blocks.css")}</style>
</head>
<body class="selftaught">
<header>
<h1>{_text(page.title)}</h1>
{_lead(page)}</header>
<nav aria-label="Contents">
<ul>
{contents}
</ul>
</nav>
<main>
{sections}
</main>
<footer>
<p>{_text(made)}{f" Beside it: {links}." if links else ""}</p>
</footer>
</body>
</html>
"""


def _style(name: str) -> str:
    return resources.files("selftaught.pages").joinpath(name).read_text(encoding="utf-8")


def _lead(page: Page) -> str:
    return "".join(f"<p>{_text(sentence)}</p>\n" for sentence in page.lead)


def section_body(section: Section, drawn: Figures | None) -> str:
    """What stands below a section's title."""
    return "\n".join(_block(block, drawn or {}) for block in section.blocks)


def block_html(block: Block, label: str = "") -> Html:
    """One block, for a page of its own; markup in its cells stands as it is.

    Args:
        label: of a table without a title, for those who do not see it.
    """
    return Html(_table(block, label) if isinstance(block, Table) else _block(block, {}))


def _block(block: Block, drawn: Figures) -> str:
    match block:
        case Table():
            return _table(block)
        case Facts(rows, title):
            listed = "\n".join(
                f"<dt>{_text(name)}</dt><dd>{_cell(said)}</dd>" for name, said in rows
            )
            return f"{_title(title)}<dl>\n{listed}\n</dl>"
        case Listing():
            return _listing(block)
        case Figure():
            return _figure(block, drawn[block.name]) if block.name in drawn else ""
        case Paragraph(text, command, is_alarm):
            code = f" <code>{_cell(command)}</code>" if command else ""
            kind = ' class="alarm"' if is_alarm else ""
            return f"<p{kind}>{_text(text)}{code}</p>"


def _title(title: str) -> str:
    return f"<h4>{_text(title)}</h4>\n" if title else ""


def _table(table: Table, label: str = "") -> str:
    columns = "".join(
        f'<th scope="col">{_cell(heading)}</th>' if heading else "<td></td>"
        for heading in table.headings
    )
    head = f"<tr>{columns}</tr>" if any(table.headings) else ""
    body = "\n".join(_row(row, table.headings) for row in table.rows)
    note = f'\n<p class="note">{_text(table.note)}</p>' if table.note else ""
    # On a narrow screen many columns stand below each other. What is wider all the same is scrolled
    # by itself, with the keyboard, too.
    stacks = len(table.headings) > _FEW_COLUMNS
    kind = f' class="{" stacks" * stacks}{" counts" * table.counts}"'
    return (
        f'{_title(table.title)}<div class="scrolled" tabindex="0" role="region" '
        f'aria-label="{_text(table.title or label or "table")}">\n'
        f"<table{kind}>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
        f"</div>{note}"
    )


def _row(cells: Sequence[str], headings: Sequence[str]) -> str:
    """The first cell is what the others are of."""
    others = "".join(
        f'<td data-of="{_text(heading)}">{_cell(cell)}</td>'
        if heading
        else f"<td>{_cell(cell)}</td>"
        for heading, cell in zip(headings[1:], cells[1:], strict=True)
    )
    first = _text(headings[0])
    return f'<tr><th scope="row" data-of="{first}">{_cell(cells[0])}</th>{others}</tr>'


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
    kind = diff_kind(place, line)
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
    return text if isinstance(text, Html) else "<br>".join(_text(line) for line in text.split("\n"))


def _text(text: str) -> str:
    return escape(printable(text))
