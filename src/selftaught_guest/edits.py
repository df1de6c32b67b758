"""Edits of a program: SEARCH/REPLACE blocks and unified diffs, all or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["EditFailed", "apply_edits", "edits_in", "new_files"]

_SEARCH = re.compile(r"^\s*(?:<{4,}[ \t]*[\w ]*|-{4,}[ \t]*SEARCH)[:>]?\s*$")
_MIDDLE = re.compile(r"^\s*={4,}\s*$")
_REPLACE = re.compile(r"^\s*(?:>{4,}[ \t]*[\w ]*|\+{4,}[ \t]*REPLACE)\s*$")
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})[\w+-]*\s*$")
_HUNK = re.compile(r"^@@(?: -(?P<line>\d+)(?:,\d+)? \+\d+(?:,\d+)?)?.*$")
_DIFF_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})\s*(?:diff|patch)\b.*$", re.IGNORECASE)
_MOST_EDITS = 200
_SHOWN_CHARS = 200


class EditFailed(ValueError):
    """Edits that cannot be applied; the message says which and why, in words for a model."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines to find and lines to put in their place; `line`, from 0, is where a diff says it is."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int | None = None


def apply_edits(program: str, reply: str) -> str:
    """The program with all the edits of a reply, one after the other.

    Args:
        program: the text that is edited.
        reply: holds `<<<<<<< SEARCH` / `=======` / `>>>>>>> REPLACE` blocks, or unified diffs with
            or without line numbers; words around them are passed over.
    The lines of an edit are looked for exactly, then with other white space (what is put in their
    place is indented as they are), then by their first and last line with as many lines between.
    Raises: EditFailed, a ValueError, if there is no edit, or one has nothing to find, is not found
        or found more than once, or nothing would change. Then no edit is applied.
    """
    found = edits_in(reply)
    if not found:
        raise EditFailed("there is no edit: no SEARCH/REPLACE block and no diff")
    lines = program.replace("\r\n", "\n").split("\n")
    moved = 0
    for number, edit in enumerate(found, 1):
        which = f"edit {number} of {len(found)}"
        if not any(line.strip() for line in edit.old):
            raise EditFailed(f"{which} has nothing to search for")
        at, size, new = _place(lines, edit, moved, which)
        lines[at : at + size] = new
        moved += len(new) - size
    edited = "\n".join(lines)
    if edited == program:
        raise EditFailed("the edits change nothing")
    return edited


# --- reading them ---------------------------------------------------------------------------------


def edits_in(reply: str) -> list[Edit]:
    """The edits of a reply, in order. Raises: EditFailed if one has no end."""
    lines = reply.replace("\r\n", "\n").split("\n")
    found = _blocks(lines) or _diffs(lines)
    if len(found) > _MOST_EDITS:
        raise EditFailed(f"more than {_MOST_EDITS} edits")
    return found


def new_files(reply: str) -> list[str]:
    """What diffs of a reply add to nothing."""
    found = _diffs(reply.split("\n"))
    return ["\n".join(edit.new) for edit in found if not any(line.strip() for line in edit.old)]


def _blocks(lines: Sequence[str]) -> list[Edit]:
    found: list[Edit] = []
    old: list[str] | None = None
    new: list[str] | None = None
    for line in lines:
        if _SEARCH.match(line):
            if old is not None:
                break
            old = []
        elif old is not None and new is None and _MIDDLE.match(line):
            new = []
        elif old is not None and new is not None and _REPLACE.match(line):
            found.append(Edit(_unfenced(old), _unfenced(new)))
            old = new = None
        elif new is not None:
            new.append(line)
        elif old is not None:
            old.append(line)
    if old is not None:
        raise EditFailed(f"edit {len(found) + 1} has no end")
    return found


def _unfenced(lines: list[str]) -> tuple[str, ...]:
    """Without a fence that was put around a part of an edit."""
    if len(lines) > 1 and _FENCE.match(lines[0]) and _FENCE.match(lines[-1]):
        lines = lines[1:-1]
    return tuple(lines)


def _diffs(lines: Sequence[str]) -> list[Edit]:
    found: list[Edit] = []
    hunk: list[str] | None = None
    at: int | None = None
    is_fenced = False

    def end() -> None:
        nonlocal hunk
        if hunk is not None and any(line[:1] in ("+", "-") for line in hunk):
            found.append(_hunk(hunk, at))
        hunk = None

    for number, line in enumerate(lines):
        if _DIFF_FENCE.match(line):
            end()
            is_fenced, hunk, at = True, [], None
        elif is_fenced and _FENCE.match(line):
            end()
            is_fenced = False
        elif (start := _HUNK.match(line)) is not None:
            end()
            hunk, at = [], int(start["line"]) - 1 if start["line"] else None
        elif _is_header(lines, number):
            end()
            hunk = [] if is_fenced else None
        elif hunk is not None:
            if is_fenced or not line or line[0] in " +-\\":
                hunk.append(line)
            else:
                end()
    end()
    return found


def _is_header(lines: Sequence[str], number: int) -> bool:
    """Whether a line names a file of a diff."""
    line = lines[number]
    if line.startswith(("diff --git ", "index ")):
        return True
    if line.startswith("--- "):
        return number + 1 < len(lines) and lines[number + 1].startswith("+++ ")
    return line.startswith("+++ ") and number > 0 and lines[number - 1].startswith("--- ")


def _hunk(lines: list[str], at: int | None) -> Edit:
    while lines and not lines[-1].strip():
        lines.pop()
    old, new = [], []
    for line in lines:
        sign, text = (line[0], line[1:]) if line[:1] in (" ", "+", "-") else (" ", line)
        if line.startswith("\\"):
            continue
        if sign != "+":
            old.append(text)
        if sign != "-":
            new.append(text)
    return Edit(tuple(old), tuple(new), at)


# --- finding their places -------------------------------------------------------------------------


def _place(lines: list[str], edit: Edit, moved: int, which: str) -> tuple[int, int, Sequence[str]]:
    """Where an edit goes: the first line, how many lines, and what comes in their place."""
    for same in (_exactly, _but_for_spaces):
        old = edit.old if same is _exactly else _stripped(edit.old)
        places = _matches(lines, old, same)
        if len(places) > 1 and edit.line is not None and edit.line + moved in places:
            places = [edit.line + moved]
        if len(places) > 1:
            raise EditFailed(f"{which} is found {len(places)} times: {_shown(edit)}")
        if places:
            new = edit.new if same is _exactly else _indented(edit, lines[places[0]], old[0])
            return places[0], len(old), new
    old = _stripped(edit.old)
    inner = [
        at
        for at in _matches(lines, old[:1], _but_for_spaces)
        if len(old) > 2
        and at + len(old) <= len(lines)
        and _but_for_spaces(lines[at + len(old) - 1], old[-1])
        and 2 * sum(map(_but_for_spaces, lines[at : at + len(old)], old)) > len(old)
    ]
    if len(inner) == 1:
        return inner[0], len(old), _indented(edit, lines[inner[0]], old[0])
    raise EditFailed(f"{which} is not found in the program: {_shown(edit)}")


def _matches(
    lines: Sequence[str], old: Sequence[str], same: Callable[[str, str], bool]
) -> list[int]:
    return [
        at
        for at in range(len(lines) - len(old) + 1)
        if all(same(lines[at + place], line) for place, line in enumerate(old))
    ]


def _exactly(line: str, other: str) -> bool:
    return line == other


def _but_for_spaces(line: str, other: str) -> bool:
    return "".join(line.split()) == "".join(other.split())


def _stripped(lines: Sequence[str]) -> Sequence[str]:
    """Without empty lines around them."""
    full = [number for number, line in enumerate(lines) if line.strip()]
    return lines[full[0] : full[-1] + 1]


def _indented(edit: Edit, there: str, old: str) -> Sequence[str]:
    """What is put in, moved as far as what was found lies from what was looked for."""
    new = _stripped(edit.new) if any(line.strip() for line in edit.new) else ()
    by = _indent(there) - _indent(old)
    if by >= 0:
        return [" " * by + line if line.strip() else line for line in new]
    return [line[min(-by, _indent(line)) :] for line in new]


def _indent(line: str) -> int:
    line = line.expandtabs(4)
    return len(line) - len(line.lstrip())


def _shown(edit: Edit) -> str:
    text = "\n".join(edit.old).strip("\n")
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."
