"""Names in Python's trees: which are bound where, and which are used."""

from __future__ import annotations

import ast
from collections.abc import Iterator

__all__ = ["DEFINITIONS", "FUNCTIONS", "bound_by", "bound_within", "used"]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)


def bound_by(statement: ast.AST, *, imports: bool = True) -> Iterator[str]:
    """Names that a statement of a module binds in it, those within what it defines left out."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, DEFINITIONS):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (_bound_as(alias) for alias in node.names if imports)
        else:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            waiting += ast.iter_child_nodes(node)


def used(tree: ast.AST) -> set[str]:
    """All names that are read anywhere in it."""
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def bound_within(tree: ast.AST) -> set[str]:
    """All names that are bound anywhere in it, in whatever scope."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                names.add(node.id)
            case ast.arg():
                names.add(node.arg)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
            case ast.alias("*"):
                return used(tree)
            case ast.alias():
                names.add(_bound_as(node))
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                names.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                names.add(name)
            case ast.Global() | ast.Nonlocal():
                names.update(node.names)
    return names


def _bound_as(alias: ast.alias) -> str:
    return alias.asname or alias.name.partition(".")[0]
