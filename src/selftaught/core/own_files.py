"""Files of the user's own code: whether they count, their statements, and modules by name.

Files are read and parsed as they stand on the disk; nothing is imported or executed.
"""

from __future__ import annotations

import ast
import symtable
import sys
import sysconfig
import tokenize
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from selftaught.core.shown_source import first_line, reached, text_of

_PACKAGES = Path(__file__).resolve().parents[2]
_NOT_OWN = (
    *(_PACKAGES / name for name in ("selftaught", "selftaught_guest")),
    *(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")),
)
_INSTALLED = frozenset({"site-packages", "dist-packages"})


class OwnFile:
    """A file by its top-level statements."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self._lines = text.split("\n")  # as `ast` counts lines
        self._body = ast.parse(text).body
        self._bound = {node: _bound(node) for node in self._body}
        imported = {
            name
            for node in self._body
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for name in self._bound[node]
        }
        self.bindings: dict[str, list[ast.stmt]] = {}
        for node, names in self._bound.items():
            # A call such as `table.append(1)` changes `table`; `module.run()` changes no name here.
            if isinstance(node, ast.Expr):
                names -= imported
            for name in names:
                self.bindings.setdefault(name, []).append(node)

    def at(self, name: str, line: int) -> list[ast.stmt]:
        """The statements that define a top-level name, or else the one around the line."""
        spans = (node for node in self._body if first_line(node) <= line <= (node.end_lineno or 0))
        return self.bindings.get(name) or list(spans)

    def reached(self, first: Sequence[ast.stmt]) -> list[ast.stmt]:
        stars = self.bindings.get("*", [])
        return reached([*first, *stars], self.bindings, _globals)

    def text(self, node: ast.stmt) -> str:
        return text_of(node, self._lines)

    def name(self, node: ast.stmt) -> str:
        return ", ".join(sorted(self._bound[node])) or "code"


def read_python(path: Path) -> str | None:
    """The text of a file of Python; None if it is none, or cannot be read."""
    try:
        with tokenize.open(path) as file:
            text = file.read()
        ast.parse(text)
    except (OSError, SyntaxError, ValueError):
        return None
    return text


def is_own(path: Path) -> bool:
    """Whether a user mends it: not this package, the standard library, or what is installed."""
    path = path.resolve()
    return not (_INSTALLED & set(path.parts) or any(path.is_relative_to(one) for one in _NOT_OWN))


def find_spec(name: str) -> ModuleSpec | None:
    """Where a module is, without importing it or what it is in; its parent was found before."""
    loaded: ModuleSpec | None = getattr(sys.modules.get(name), "__spec__", None)
    if loaded is not None:
        return loaded
    parent = name.rpartition(".")[0]
    within: Any = None
    if parent:
        above = find_spec(parent)
        within = above and above.submodule_search_locations
        if within is None:
            return None
    for finder in sys.meta_path:
        spec = finder.find_spec(name, within)
        if spec is not None:
            return spec
    return None


def rebound(tree: ast.AST) -> set[str]:
    """Names that functions in it declare to write outside of themselves."""
    declared = (n for n in ast.walk(tree) if isinstance(n, (ast.Nonlocal, ast.Global)))
    return {name for node in declared for name in node.names}


def _bound(statement: ast.stmt) -> set[str]:
    """The names to which a top-level statement gives a value, or whose value it changes."""
    names: set[str] = set()
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
                continue  # what is inside is the function's own
            case ast.ClassDef(name=name):
                names.add(name)
                continue
            case ast.Lambda():
                continue
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case (
                ast.Attribute(ctx=ast.Store() | ast.Del())
                | ast.Subscript(ctx=ast.Store() | ast.Del())
            ):
                names |= _base(node)
            case ast.Expr(value=ast.Call(func=ast.Attribute() as called)):
                names |= _base(called)
        waiting.extend(ast.iter_child_nodes(node))
    return names


def _base(node: ast.AST) -> set[str]:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()


def _globals(node: ast.stmt) -> set[str]:
    """The names of its file that a top-level statement uses; names of its own are not meant."""
    used: set[str] = set()
    tables = [symtable.symtable(ast.unparse(node), "own code", "exec")]
    while tables:
        table = tables.pop()
        tables.extend(table.get_children())
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
                used.add(symbol.get_name())
    return used
