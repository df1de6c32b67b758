"""What is found in a program: kinds of signs, each with its line."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from selftaught.analysis.guest_programs.audit.names import Names
from selftaught.analysis.guest_programs.audit.scopes import Scopes

MOST_CHARS = 400_000
_MOST_SIGNS = 60
_MOST_CHARS_OF_LINE = 160

Detect: TypeAlias = Callable[["Program"], None]


class Program:
    """A program's tree, what its names stand for, and the signs that were found in it."""

    def __init__(self, source: str, marked: Mapping[str, Mapping[int, str]]) -> None:
        self.tree = ast.parse(source)
        self.scopes = Scopes(self.tree, marked)
        self.names = Names(self.scopes)
        self.nodes = list(ast.walk(self.tree))
        self._lines = source.splitlines()
        self._found: dict[tuple[str, int], str] = {}

    def add(self, kind: str, node: ast.AST) -> None:
        """A sign at the line of a node; of one kind, one a line."""
        line = getattr(node, "lineno", 0)
        text = self._lines[line - 1].strip() if 0 < line <= len(self._lines) else ""
        self._found.setdefault((kind, line), text[:_MOST_CHARS_OF_LINE])

    def signs(self) -> list[list[Any]]:
        """[kind, line, text of the line] of each, by line."""
        listed = sorted(self._found.items(), key=lambda item: (item[0][1], item[0][0]))
        return [[kind, line, text] for (kind, line), text in listed[:_MOST_SIGNS]]


def found(source: str, marked: Mapping[str, Mapping[int, str]], *detect: Detect) -> dict[str, Any]:
    """The signs of a program, or why it could not be read.

    Returns: `{"signs": [[kind, line, text]]}` or `{"unreadable": why}`.
    """
    if len(source) > MOST_CHARS:
        return {"unreadable": f"longer than {MOST_CHARS:,} characters"}
    try:
        program = Program(source, marked)
        for one in detect:
            one(program)
    except SyntaxError as error:
        where = f" (line {error.lineno})" if error.lineno else ""
        return {"unreadable": f"{type(error).__name__}: {error.msg}{where}"}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"unreadable": f"{type(error).__name__}: {str(error)[:200]}"}
    return {"signs": program.signs()}


def starts(dotted: str, *tops: str) -> bool:
    """Whether a dotted name is one of these or in one of them."""
    return any(dotted == top or dotted.startswith(f"{top}.") for top in tops)
