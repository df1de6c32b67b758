"""A part of a program for which a prompt has no room: what is about a place in it stands whole, of
the rest heads, signatures and short statements.

Python's parser reads the program here, so this is for guests alone.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from selftaught_guest.files import head_path, split_files
from selftaught_guest.names import FUNCTIONS
from selftaught_guest.source import parsed

__all__ = ["PART", "part_of"]

PART = "# A part of the program: elsewhere, `...` stands in place of lines that are not shown."
_SHORT_LINES = 4
_MARK = "...  # {} lines, not shown ..."


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines of a program, from one up to another, and what may stand in their place."""

    begin: int
    end: int
    short: tuple[str, ...]


def part_of(program: str, place: float, room: int) -> str:
    """A part of at most so many characters; where signatures alone take more, lines from there on.

    Args:
        place: 0 to 1, where in the program the part is whole; as much beside it as there is room
            for. Places drawn evenly come to show every line.
    """
    lines = program.split("\n")
    line = program.count("\n", 0, int(place * len(program)))
    room -= len(PART) + 1
    pieces = list(_pieces(program, lines))
    left = room - _chars(_with(lines, pieces))
    if left < 0 or not pieces:
        above = (one for one in reversed(lines[: line + 1]) if head_path(one) is not None)
        return "\n".join([PART, *_fitting([*itertools.islice(above, 1), *lines[line:]], room)])
    distances = [max(one.begin - line, line - one.end + 1, 0) for one in pieces]
    focus = distances.index(min(distances))
    for number in sorted(range(len(pieces)), key=lambda number: abs(number - focus)):
        piece = pieces[number]
        inside = lines[piece.begin : piece.end]
        cost = _chars(inside) - _chars(piece.short)
        if cost <= left:
            pieces[number] = _Piece(piece.begin, piece.end, tuple(inside))
            left -= cost
        elif number == focus:
            cut = tuple(_fitting(lines[max(line, piece.begin) : piece.end], left))
            pieces[number] = _Piece(piece.begin, piece.end, (*piece.short, *cut))
            left -= _chars(cut)
    return "\n".join([PART, *_with(lines, pieces)])


def _with(lines: Sequence[str], pieces: Sequence[_Piece]) -> list[str]:
    """The lines, with what stands in place of pieces."""
    shown, since = list[str](), 0
    for piece in pieces:
        shown += [*lines[since : piece.begin], *piece.short]
        since = piece.end
    return [*shown, *lines[since:]]


def _fitting(lines: Sequence[str], room: int) -> Iterator[str]:
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return
        yield line


def _chars(lines: Sequence[str]) -> int:
    return sum(len(line) + 1 for line in lines)


def _pieces(program: str, lines: Sequence[str]) -> Iterator[_Piece]:
    files = split_files(program)
    if files is None:
        yield from _of_file(program, lines, 0)
        return
    at = 0
    for text in files.values():
        at += 1  # its head
        yield from _of_file(text, lines, at)
        at += text.count("\n")


def _of_file(text: str, lines: Sequence[str], offset: int) -> Iterator[_Piece]:
    """Its functions, methods and other long statements; of what does not parse the whole."""
    source = parsed(text)
    if source is None:
        size = text.count("\n")
        yield _Piece(offset, offset + size, (_MARK.format(size),))
        return
    for node in source.tree.body:
        for one in node.body if isinstance(node, ast.ClassDef) else [node]:
            begin = min(each.lineno for each in (one, *getattr(one, "decorator_list", ()))) - 1
            end, body = one.end_lineno or 0, one.lineno
            if isinstance(one, FUNCTIONS):
                body = one.body[0].lineno - 1
            if end - begin > _SHORT_LINES and begin < body < end:
                kept = lines[offset + begin : offset + body] if isinstance(one, FUNCTIONS) else ()
                deeper = one.body[0].col_offset if isinstance(one, FUNCTIONS) else one.col_offset
                mark = " " * deeper + _MARK.format(end - begin - len(kept))
                yield _Piece(offset + begin, offset + end, (*kept, mark))
