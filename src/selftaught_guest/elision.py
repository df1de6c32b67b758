"""Programs that are not whole: comments stand in place of code, or nothing is in the function."""

from __future__ import annotations

import ast
import re
from typing import TypeGuard

from selftaught_guest.names import DEFINITIONS, FUNCTIONS
from selftaught_guest.source import Source

__all__ = ["is_elided", "is_stub", "marks_elision"]

_WORDS = (
    r"\b(?:rest|unchanged|same|existing|previous|remain\w*|omitted|above|before|original|as[ -]is|"
    r"elided|keep|kept|snip\w*|truncated|abbreviated|skipped|continue\w*|not shown|no changes?)\b"
)
# A comment by itself, or after a placeholder.
_BEFORE = r"[ \t]*+(?:(?:pass|\.{3})[ \t]*+)?+"
_DOTS = r"(?:\.{3}|\u2026)"
_SURE = (
    r"\b(?:rest of|unchanged|existing|previous|remain\w*|omitted|original|as[ -]is|elided|same as|"
    r"stays? the same|not shown|no changes?|code|implementation|logic)\b"
)
# Dots alone, or before or after such words; a bracket around them; and such a word alone.
_STRONG = re.compile(
    rf"^{_BEFORE}#+\s*+[\[(<{{*]*+\s*+{_DOTS}(?:\W*+$|.*(?:{_SURE}|{_DOTS}))"
    rf"|^{_BEFORE}#.*{_WORDS}.*{_DOTS}\W*$"
    rf"|^{_BEFORE}#+\s*+[\[(<{{].*{_SURE}.*[\])>}}]\W*$",
    re.IGNORECASE,
)
_MARK = re.compile(rf"{_STRONG.pattern}|^{_BEFORE}#.*{_WORDS}", re.IGNORECASE)
_PHRASE = re.compile(
    r"\b(?:rest of (?:the|your|this) \w+|existing (?:code|implementation|logic)|omitted for brevity"
    r"|same as (?:before|above|(?:in )?the original)|no changes?|unchanged"
    r"|(?:code|implementation|logic) (?:goes )?here"
    r"|(?:remain\w*|stays?|is|are) (?:the same|as is))\b",
    re.IGNORECASE,
)


def _is_last(lines: list[str], number: int) -> bool:
    """Whether a comment with such a phrase has no code after it in its block."""
    line = lines[number]
    if _PHRASE.search(line) is None:
        return False
    indent = len(line) - len(line.lstrip())
    after = next((one for one in lines[number + 1 :] if one.strip()), "")
    return len(after) - len(after.lstrip()) < indent or not after


def _is_empty(node: ast.AST) -> TypeGuard[ast.FunctionDef | ast.AsyncFunctionDef]:
    """A function with nothing in it but words and placeholders."""
    return isinstance(node, FUNCTIONS) and all(map(_is_placeholder, node.body))


def _is_placeholder(statement: ast.stmt) -> bool:
    match statement:
        case ast.Pass() | ast.Expr(ast.Constant()):
            return True
        case ast.Raise(
            exc=ast.Name("NotImplementedError") | ast.Call(ast.Name("NotImplementedError"))
        ):
            return True
    return False


def is_stub(source: Source, entry: str) -> bool:
    """Whether nothing is in the function but words and placeholders."""
    found = [one for one in source.tree.body if isinstance(one, DEFINITIONS) and one.name == entry]
    return bool(found) and _is_empty(found[-1])


def is_elided(source: Source) -> bool:
    """Whether comments stand in place of code: of code that is missed, or of a body."""
    lines = source.text.split("\n")
    marks = [number for number, line in enumerate(lines) if _MARK.search(line)]
    if not marks:
        return False
    if source.lacks and any(_PHRASE.search(lines[number]) for number in marks):
        return True
    empty = [node for node in ast.walk(source.tree) if _is_empty(node)]
    return any(
        _STRONG.search(lines[number])
        or _is_last(lines, number)
        # A comment at the end of a body stands in the line after it.
        or any(node.lineno - 1 <= number <= (node.end_lineno or 0) for node in empty)
        for number in marks
    )


def marks_elision(text: str) -> bool:
    """Whether comments of a text that does not parse say that code is missing."""
    return any(_STRONG.search(line) or _PHRASE.search(line) for line in _comments(text))


def _comments(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.lstrip().startswith("#")]
