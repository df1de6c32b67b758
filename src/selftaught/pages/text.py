"""Text that is safe to show, and what changed from one text to another."""

from __future__ import annotations

import difflib
import re

# Control characters, those that turn the direction of writing or break lines, and halves of
# characters, which no stream can encode: a program must not steer the terminal, nor look like what
# it is not, nor fail to be printed.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# The comparison may take cubic time in the lines, and the programs are not our own.
_MAX_LINES = 2000
_DIFF_HEAD_LINES = 2
_DIFF_KINDS = {"+": "added", "-": "removed", "@": "place"}


def printable(text: str) -> str:
    """The text with everything that could steer a terminal written as an escape."""
    return _UNSAFE.sub(lambda match: ascii(match.group())[1:-1], text)


def unified_diff(before: str, after: str, before_name: str, after_name: str) -> str | None:
    """A unified diff, empty for equal programs, or None for programs too long to compare.

    Guest programs are never parsed here.
    """
    old, new = before.split("\n"), after.split("\n")
    if before != after and len(old) + len(new) > _MAX_LINES:
        return None
    return "\n".join(difflib.unified_diff(old, new, before_name, after_name, lineterm=""))


def diff_kind(place: int, line: str) -> str | None:
    """What a line of a diff is: `added`, `removed`, `place`, or None for what stayed."""
    return "place" if place < _DIFF_HEAD_LINES else _DIFF_KINDS.get(line[:1])
