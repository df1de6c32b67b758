"""Edits of a program: SEARCH/REPLACE blocks and unified diffs, all or nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from selftaught_guest.files import FilesError, head_path, join_files, known_path, split_files

__all__ = ["EditFailed", "apply_edits", "edits_in", "named_path", "new_files"]

_SEARCH = re.compile(r"^\s*(?:<{4,}[ \t]*[\w ]*|-{4,}[ \t]*SEARCH)[:>]?\s*$")
_MIDDLE = re.compile(r"^\s*={4,}\s*$")
_REPLACE = re.compile(r"^\s*(?:>{4,}[ \t]*[\w ]*|\+{4,}[ \t]*REPLACE)\s*$")
_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})[\w+-]*\s*$")
_HUNK = re.compile(r"^@@(?: -(?P<line>\d+)(?:,\d+)? \+\d+(?:,\d+)?)?.*$")
_DIFF_FENCE = re.compile(r"^\s*(?:`{3,}|~{3,})\s*(?:diff|patch)\b.*$", re.IGNORECASE)
_MOST_EDITS = 200
_SHOWN_CHARS = 200
# A line that says no more than a path: of Markdown, of a diff, or what a fence begins with.
_NAMED = re.compile(
    r"(?:[^\w\n]|(?:file|filename|path|title|in|edit|update|new|python|py|a|b)\b(?!\.))*+"
    r"(?P<path>(?:\w++/)*+\w++\.py)\W*+",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_NAMING = 300


class EditFailed(ValueError):
    """Edits that cannot be applied; the message says which and why, in words for a model."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Lines to find and lines to put in their place; `line`, from 0, is where a diff says it is,
    `file` the path that was named last before it."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    line: int | None = None
    file: str | None = None


def apply_edits(program: str, reply: str) -> str:
    """The program with all the edits of a reply, one after the other.

    Args:
        program: the text that is edited.
        reply: holds `<<<<<<< SEARCH` / `=======` / `>>>>>>> REPLACE` blocks, or unified diffs with
            or without line numbers; words around them are passed over.
    The lines of an edit are looked for exactly, then with other white space (what is put in their
    place is indented as they are), then by their first and last line with as many lines between.
    In a program of several files: in the file that is named, or else in the only one that has them;
    an edit that names a file which is not there, and has nothing to find, makes it.
    Raises: EditFailed, a ValueError, if there is no edit, or one has nothing to find, is not found
        or found more than once, or nothing would change. Then no edit is applied.
    """
    found = edits_in(reply)
    if not found:
        raise EditFailed("there is no edit: no SEARCH/REPLACE block and no diff")
    program = program.replace("\r\n", "\n")
    try:
        several = split_files(program)
        files = {path: text.split("\n") for path, text in (several or {"": program}).items()}
        moved = Counter[str]()
        for number, edit in enumerate(found, 1):
            which = f"edit {number} of {len(found)}"
            is_empty = not any(line.strip() for line in edit.old)
            if is_empty and several and edit.file and not known_path(edit.file, files):
                files[edit.file] = list(edit.new)
                continue
            if is_empty:
                raise EditFailed(f"{which} has nothing to search for")
            path = "" if several is None else _file_of(files, edit, which)
            at, size, new = _place(files[path], edit, moved[path], which)
            files[path][at : at + size] = new
            moved[path] += len(new) - size
        texts = {path: "\n".join(lines) for path, lines in files.items()}
        edited = texts[""] if several is None else join_files(texts)
    except FilesError as error:
        raise EditFailed(str(error)) from None
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


def named_path(line: str) -> str | None:
    """The path of a line that says no more than that."""
    found = _NAMED.fullmatch(line) if ".py" in line and len(line) <= _LONGEST_NAMING else None
    return found["path"] if found else None


def _blocks(lines: Sequence[str]) -> list[Edit]:
    found: list[Edit] = []
    old: list[str] | None = None
    new: list[str] | None = None
    file: str | None = None
    for line in lines:
        if _SEARCH.match(line):
            if old is not None:
                break
            old = []
        elif old is None:
            file = named_path(line) or file
        elif old is not None and new is None and _MIDDLE.match(line):
            new = []
        elif old is not None and new is not None and _REPLACE.match(line):
            found.append(_under_head(Edit(_unfenced(old), _unfenced(new), file=file)))
            old = new = None
        elif new is not None:
            new.append(line)
        elif old is not None:
            old.append(line)
    if old is not None:
        raise EditFailed(f"edit {len(found) + 1} has no end")
    return found


def _under_head(edit: Edit) -> Edit:
    """Of lines that begin with the head of a file, those below it, in that file."""
    path = head_path(edit.old[0]) if edit.old else None
    if path is None:
        return edit
    new = edit.new[1:] if edit.new and head_path(edit.new[0]) == path else edit.new
    return replace(edit, old=edit.old[1:], new=new, file=path)


def _unfenced(lines: list[str]) -> tuple[str, ...]:
    """Without a fence that was put around a part of an edit."""
    if len(lines) > 1 and _FENCE.match(lines[0]) and _FENCE.match(lines[-1]):
        lines = lines[1:-1]
    return tuple(lines)


def _diffs(lines: Sequence[str]) -> list[Edit]:
    found: list[Edit] = []
    hunk: list[str] | None = None
    at: int | None = None
    file: str | None = None
    is_fenced = False

    def end() -> None:
        nonlocal hunk
        if hunk is not None and any(line[:1] in ("+", "-") for line in hunk):
            found.append(_under_head(replace(_hunk(hunk, at), file=file)))
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
            if line.startswith("+++ "):
                file = named_path(line)
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


def _file_of(files: Mapping[str, list[str]], edit: Edit, which: str) -> str:
    """The file that an edit names, if it may be found there; else the only one that has it."""
    named = known_path(edit.file or "", files)
    for paths in ([named] if named else [], list(files)):
        for within in _having(files, paths, edit):
            if len(within) > 1:
                raise EditFailed(f"{which} is found in {' and '.join(within[:4])}: {_shown(edit)}")
            if within:
                return within[0]
    raise EditFailed(f"{which} is not found in any file: {_shown(edit)}")


def _having(
    files: Mapping[str, list[str]], paths: Sequence[str], edit: Edit
) -> Iterator[list[str]]:
    """The files in which an edit has a place, by the strictest way to find it first."""
    yield [path for path in paths if _matches(files[path], edit.old, _exactly)]
    old = _stripped(edit.old)
    yield [path for path in paths if _matches(files[path], old, _but_for_spaces)]
    yield [path for path in paths if _inner(files[path], old)]


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
    inner = _inner(lines, old)
    if len(inner) == 1:
        return inner[0], len(old), _indented(edit, lines[inner[0]], old[0])
    raise EditFailed(f"{which} is not found in the program: {_shown(edit)}")


def _inner(lines: Sequence[str], old: Sequence[str]) -> list[int]:
    """Where their first and last line are, and most of those between."""
    return [
        at
        for at in _matches(lines, old[:1], _but_for_spaces)
        if len(old) > 2
        and at + len(old) <= len(lines)
        and _but_for_spaces(lines[at + len(old) - 1], old[-1])
        and 2 * sum(map(_but_for_spaces, lines[at : at + len(old)], old)) > len(old)
    ]


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
