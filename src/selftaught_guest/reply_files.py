"""Programs that a prompt shows, and files of a program of several that a reply gives whole."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from selftaught_guest.edits import named_path
from selftaught_guest.elision import is_elided, marks_elision
from selftaught_guest.extract import Block, fenced
from selftaught_guest.files import entry_path, known_path, split_files
from selftaught_guest.focus import PART
from selftaught_guest.source import defines, joined, parsed, readable, without_words

__all__ = ["given_files", "programs_of", "signs", "whole_text"]

# What stands around a path in the line of a fence: ```python parsing.py, or title="parsing.py"
_BETWEEN = re.compile(r"[^\w./-]++")


def programs_of(message: str, entry: str) -> list[str]:
    """The programs with the entry that a prompt shows whole; of texts, all in fences."""
    text = message.replace("\r\n", "\n").replace("\r", "\n")
    found = (block.code for block in fenced(text) if not entry or defines(block.code, entry))
    return [code for code in found if not code.startswith(PART)]


def given_files(
    text: str, blocks: Sequence[Block], files: Mapping[str, str], entry: str
) -> dict[str, str]:
    """The files that a reply gives, by path; new ones too. Of one that it gives twice the last,
    unless that only quotes what was shown.

    A block says its file in its first line, after its fence, or in the line before it. One that
    says none is the entry's file, if it defines the entry and nothing else is given.

    Raises: FilesError.
    """
    given: dict[str, str] = {}
    unnamed = [text.strip("\n")] if not blocks else []
    for block in blocks:
        if (named := _path_of(text, block)) is None:
            unnamed.append(block.code)
            continue
        path = known_path(named, files) or named
        if path not in given or signs(block.code) != signs(files.get(path, "")):
            given[path] = block.code
    for code in unnamed:
        given |= split_files(code) or {}
    if not given:
        main = [code for code in unnamed if defines(code, entry) and parsed(code) is not None]
        given = {entry_path(files, entry): main[-1]} if main else {}
    return given


def _path_of(text: str, block: Block) -> str | None:
    """The file of a block that has no head: all that have one are read by it."""
    first = block.code.partition("\n")[0]
    if split_files(f"{first}\n" if first.startswith("# =") else "") is not None:
        return None
    before = text[: block.start].rstrip().rpartition("\n")[2]
    in_info = (one for one in _BETWEEN.split(block.info[-200:]) if one.endswith(".py"))
    return (
        next(in_info, "").removeprefix("./").lstrip("/")
        or (named_path(first) if first.startswith("#") else None)
        or named_path(before)
    )


def whole_text(text: str, before: str) -> str | None:
    """A file as it is meant, with what it lacks and had before; None if comments stand in place of
    code. What cannot be read stays as it is, and fails as that."""
    source = readable(text)
    if source is None:
        return None if marks_elision(text) else text
    source = without_words(source)
    if source.lacks and (old := parsed(before)) is not None:
        source = joined(source, [old])
    return None if is_elided(source) else source.text


def signs(text: str) -> str:
    """What two texts have in common that differ in white space alone."""
    return "".join(text.split())
