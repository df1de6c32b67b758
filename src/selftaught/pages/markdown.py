"""A page as Markdown, as GitHub reads it, with links to the pictures beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from selftaught.pages.blocks import Block, Facts, Figure, Listing, Page, Paragraph, Table
from selftaught.pages.text import printable

_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
# What Markdown reads as more than text. An underscore within a word is one; a name in a table may
# hold many.
_MARKS = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
# What GitHub turns into a link by itself.
_LINKS = re.compile(r"(?i)(:)(?=//)|(?<=www)(\.)|(?<![\w&])(#)(?=\d)")
_LINE_START = re.compile(r"(?m)^(\s*)([#>+=-]|\d+[.)])(?=\s|$)")


def as_markdown(page: Page, beside: Sequence[str], made: str) -> str:
    """A whole page.

    Args:
        beside: names of the files beside it, which are linked to.
        made: by what, and of what.
    """
    parts = [f"# {_text(page.title)}", *map(_text, page.lead)]
    for section in page.sections:
        parts += [f"## {_text(section.title)}", *map(_block, section.blocks)]
    links = ", ".join(f"[{_text(name)}]({name})" for name in beside)
    parts.append(f"{_text(made)} Beside it: {links}.")
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Table():
            return _table(block)
        case Facts(rows, title):
            listed = "\n".join(f"- {_text(name)}: {_cell(said)}" for name, said in rows)
            return f"**{_text(title)}**\n\n{listed}" if title else listed
        case Listing(title, text, is_diff, _):
            return (
                f"<details><summary>{_text(title)}</summary>\n\n"
                f"{_fenced(text.rstrip(), 'diff' if is_diff else 'python')}\n\n</details>"
            )
        case Figure():
            png, svg = block.files
            return f"![{_text(block.alt)}]({png})\n\n{_text(block.caption)} [As SVG]({svg})."
        case Paragraph(text, command, _):
            said = f"**{_text(text)}**" if block.is_alarm else _text(text)
            return f"{said}\n\n{_fenced(command, 'sh')}" if command else said


def _table(table: Table) -> str:
    align = "---:" if table.counts else "---"
    rows = [
        *([f"**{_text(table.title)}**", ""] if table.title else ()),
        _row(table.headings),
        _bare_row(["---", *(align for _ in table.headings[1:])]),
        *map(_row, table.rows),
        *(["", _text(table.note)] if table.note else ()),
    ]
    return "\n".join(rows)


def _row(cells: tuple[str, ...]) -> str:
    return _bare_row([_cell(cell) for cell in cells])


def _bare_row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    return "<br>".join(_text(line) for line in text.split("\n"))


def _fenced(text: str, language: str) -> str:
    """In a fence that is longer than any in the text."""
    text = printable(text)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _text(text: str) -> str:
    """As text and nothing else, in one line."""
    plain = " ".join(printable(text).split("\n"))
    escaped = "".join(_HTML.get(letter, letter) for letter in plain)
    escaped = _MARKS.sub(lambda mark: f"\\{mark.group()}", escaped)
    escaped = _LINKS.sub(lambda found: f"&#{ord(found.group())};", escaped)
    return _LINE_START.sub(lambda found: f"{found[1]}&#{ord(found[2][0])};{found[2][1:]}", escaped)
