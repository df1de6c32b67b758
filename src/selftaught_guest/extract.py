"""Find the code in a model's reply: a text scan for fenced blocks, without a parser.

The programs of this system hold prompts, and prompts hold fences, so a line of backticks may be
part of a Python string. Inside a block a small scanner therefore follows Python's comments and
strings, and a closing fence that lies in a string is passed over. Where that finds no closing
fence, the block was not Python, or was cut off, and the first bare fence closes it.

Time is linear in the length of the text.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Block", "code_blocks", "fenced", "largest_block"]

# Possessive repeats: nothing to go back to, hence no quadratic case on long runs.
_OPENING = re.compile(
    r"^(?P<indent>[ \t]*+)(?P<fence>`{3,}+(?=[^`\n]*+$)|~{3,}+)(?P<info>[^\n]*+)\n?", re.MULTILINE
)
_CLOSING = re.compile(r"^[ \t]*+(?P<fence>`{3,}+|~{3,}+)[ \t]*+$", re.MULTILINE)
# A raw string ends where a plain one does: a quote after a backslash ends neither.
_TOKEN = re.compile(
    "|".join(
        (
            _CLOSING.pattern,
            r"#[^\n]*+",
            r"(?P<triple>\"{3}|'{3})",
            r'"(?:[^"\\\n]++|\\[\s\S])*+"?',
            r"'(?:[^'\\\n]++|\\[\s\S])*+'?",
        )
    ),
    re.MULTILINE,
)
_STRING_END = {quote * 3: re.compile(rf"\\.|{quote * 3}", re.DOTALL) for quote in "\"'"}

# Each failure may scan the rest of the text; a bound on them keeps the whole linear.
_MAX_FAILURES = 8


class Block(NamedTuple):
    """A fenced block: its code, the words after its fence, and where it stands, fences included."""

    code: str
    info: str
    start: int
    end: int


def code_blocks(text: str) -> list[str]:
    """The contents of all fenced blocks, in order.

    A fence is a line of three or more backticks or tildes, at any indentation, the opening one
    with or without an info string. It is closed by a fence of the same character, at least as
    long, with no info string; a block that nothing closes runs to the end of the text. The
    indentation of the opening fence is taken off the block's lines; line ends become "\n"; the
    line end before the closing fence is not part of the block.

    Raises nothing, whatever the text.
    """
    return [block.code for block in fenced(text.replace("\r\n", "\n").replace("\r", "\n"))]


def largest_block(text: str) -> str | None:
    """The code of the largest fenced block, None where there is no block."""
    return max(code_blocks(text), key=len, default=None)


def fenced(text: str) -> list[Block]:
    """The same blocks with where they are, of a text whose lines end with "\n"."""
    blocks: list[Block] = []
    failures = 0
    opening = _OPENING.search(text)
    while opening is not None:
        start, fence = opening.end(), opening["fence"]
        closing = _closing_outside_strings(text, start, fence) if failures < _MAX_FAILURES else None
        if closing is None:
            failures += 1
            closing = _first_closing(text, start, fence)
        if closing is None:
            end, after = len(text), len(text)
        else:
            end, after = max(start, closing.start() - 1), closing.end()
        code = _without_indent(text[start:end], opening["indent"])
        blocks.append(Block(code, opening["info"].strip(), opening.start(), after))
        opening = _OPENING.search(text, after)
    return blocks


def _closes(closing: re.Match[str], fence: str) -> bool:
    return closing["fence"].startswith(fence)


def _closing_outside_strings(text: str, start: int, fence: str) -> re.Match[str] | None:
    """The first closing fence that is not in a Python string begun in the block."""
    position = start
    while (token := _TOKEN.search(text, position)) is not None:
        position = token.end()
        if token["fence"] is not None and _closes(token, fence):
            return token
        if token["triple"] is not None:
            end = _end_of_string(text, position, token["triple"])
            if end is None:
                return None
            position = end
    return None


def _end_of_string(text: str, start: int, quotes: str) -> int | None:
    for found in _STRING_END[quotes].finditer(text, start):
        if found[0] == quotes:
            return found.end()
    return None


def _first_closing(text: str, start: int, fence: str) -> re.Match[str] | None:
    found = _CLOSING.finditer(text, start)
    return next((closing for closing in found if _closes(closing, fence)), None)


def _without_indent(code: str, indent: str) -> str:
    if not indent:
        return code
    return re.sub(rf"^[ \t]{{1,{len(indent)}}}", "", code, flags=re.MULTILINE)
