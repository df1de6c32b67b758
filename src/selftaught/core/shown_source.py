"""The source of a utility and of what it uses from its own file: what a model is shown.

Only the user's own, trusted files are parsed here, never a guest's text. What comes out is part of
the version of every run of scheme 1 (`Task.version_by`): another text for the same file makes an
old run refuse its own task.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
import tokenize
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from pathlib import Path
from typing import Any


def describe_source(functions: Sequence[Callable[..., Any]]) -> list[tuple[str, str]]:
    """Source of functions of one file and of its names that they use, in the file's order.

    Returns: the text of each definition, with the file and line where it begins.
    Raises: LookupError, whose message says why there is no source to show.
    """
    wanted: list[str] = []
    for function in functions:
        if not inspect.isfunction(function):
            raise LookupError(f"its utility {function!r} is not a plain function with source")
        if function.__name__ == "<lambda>":
            raise LookupError("its utility is a lambda, which has no source of its own")
        wanted.append(function.__name__)
    file = inspect.getsourcefile(functions[0])
    closures = any(function.__closure__ for function in functions)
    if file is None or not Path(file).is_file():
        return _closures_source(functions, {}, (), file) if closures else _own_source(functions)
    with tokenize.open(file) as opened:
        text = opened.read()
    definitions = _definitions(ast.parse(text))
    lines = text.splitlines()
    if closures:
        return _closures_source(functions, definitions, lines, file)
    if not all(name in definitions for name in wanted):
        return _own_source(functions)
    first = [node for name in wanted for node in definitions[name]]
    return _placed(reached(first, definitions, _names), lines, file)


def _placed(
    nodes: Iterable[ast.stmt], lines: Sequence[str], file: str | None
) -> list[tuple[str, str]]:
    name = Path(file or "").name
    return [(text_of(node, lines), f"{name}:{first_line(node)}") for node in nodes]


def reached(
    first: Iterable[ast.stmt],
    definitions: Mapping[str, Sequence[ast.stmt]],
    names: Callable[[ast.stmt], Iterable[str]],
) -> list[ast.stmt]:
    """The top-level statements of a file that some of them use, these included, in its order."""
    found: set[ast.stmt] = set()
    waiting = list(first)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            for name in names(node):
                waiting.extend(definitions.get(name, ()))
    return sorted(found, key=lambda node: (node.lineno, node.col_offset))


def text_of(node: ast.stmt, lines: Sequence[str]) -> str:
    """The lines of a statement, its decorators included."""
    return "\n".join(lines[first_line(node) - 1 : node.end_lineno])


def first_line(node: ast.stmt) -> int:
    """Where a statement begins, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _own_source(functions: Sequence[Callable[..., Any]]) -> list[tuple[str, str]]:
    try:
        return [
            (inspect.getsource(one).rstrip(), f"{one.__name__}:{one.__code__.co_firstlineno}")
            for one in functions
        ]
    except (OSError, TypeError):
        raise LookupError("its utility has no readable source") from None


def _closures_source(
    functions: Sequence[Callable[..., Any]],
    definitions: Mapping[str, Sequence[ast.stmt]],
    lines: Sequence[str],
    file: str | None,
) -> list[tuple[str, str]]:
    """The functions' own source, what it uses from the file, and what they close over: numbers, and
    of all else the type and size alone are shown, since it may be what no solution may know."""
    held = {
        name: cell.cell_contents
        for function in functions
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        )
    }
    own = [(textwrap.dedent(text), where) for text, where in _own_source(functions)]
    used = {name for text, _ in own for name in _names(ast.parse(text))} - held.keys()
    first = [node for name in sorted(used) for node in definitions.get(name, ())]
    values = "\n".join(_held(name, value) for name, value in held.items())
    return [*_placed(reached(first, definitions, _names), lines, file), (values, own[0][1]), *own]


def _held(name: str, value: object) -> str:
    if isinstance(value, (bool, int, float)):
        return f"{name} = {value!r}"
    size = f" of {len(value)}" if isinstance(value, Sized) else ""
    return f"{name} = ...  # {type(value).__name__}{size}"


def _definitions(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """The last definition of each name."""
    found: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = [node]
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                found.update((name, [node]) for name in _names(target))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = [node]
    return found


def _names(node: ast.AST) -> set[str]:
    return {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
