"""Text that is safe to show, and what changed from one text to another."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from selftaught.core.program import files_of

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
    """A unified diff, empty for equal programs, or None for programs too long to compare; of
    programs of several files, one after the other.

    Guest programs are never parsed here.
    """
    old, new = _by_name(before, before_name), _by_name(after, after_name)
    pairs = [(*_lines(old, path), *_lines(new, path)) for path in sorted({*old, *new})]
    changed = [pair for pair in pairs if pair[1] != pair[3]]
    if sum(len(one) + len(other) for _, one, _, other in changed) > _MAX_LINES:
        return None
    diffs = (
        difflib.unified_diff(one, other, name, other_name, lineterm="")
        for name, one, other_name, other in changed
    )
    return "\n".join(line for diff in diffs for line in diff)


def _by_name(source: str, name: str) -> Mapping[str, tuple[str, str]]:
    """By path the name that a diff has of a file, and its text; "" for a program of one file."""
    several = files_of(source)
    if several is None:
        return {"": (name, source)}
    return {path: (f"{name}/{path}", text[:-1]) for path, text in several.items()}


def _lines(files: Mapping[str, tuple[str, str]], path: str) -> tuple[str, list[str]]:
    name, text = files.get(path, ("/dev/null", None))
    return name, [] if text is None else text.split("\n")


def diff_kind(place: int, line: str) -> str | None:
    """What a line of a diff is: `added`, `removed`, `place`, or None for what stayed."""
    return "place" if place < _DIFF_HEAD_LINES else _DIFF_KINDS.get(line[:1])
