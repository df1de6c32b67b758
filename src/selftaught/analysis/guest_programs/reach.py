"""What the values of a program's expressions are made of."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterator
from typing import TypeAlias

from selftaught.analysis.guest_programs.program import FUNCTIONS, SCOPES, Program

_MOST_STATES = 20_000

Calls: TypeAlias = tuple[ast.Call, ...]


class Reached(Program):
    """A program, and what its expressions are made of."""

    def reach(
        self, start: ast.AST, ends: Callable[[ast.AST], bool] = lambda _: False
    ) -> dict[ast.AST, ast.AST | None]:
        """All nodes that an expression's value is made of, each with the one before it.

        Calls of the program's own functions are followed into what they return, three deep with
        their own arguments.

        Args:
            ends: nodes that are not looked into.
        """
        found: dict[ast.AST, ast.AST | None] = {start: None}
        seen: set[tuple[ast.AST, Calls]] = set()
        waiting = deque[tuple[ast.AST, Calls]]([(start, ())])
        while waiting and len(seen) < _MOST_STATES:
            node, calls = waiting.popleft()
            if (node, calls) in seen or (ends(node) and node is not start):
                continue
            seen.add((node, calls))
            for one, inner in self._made_of(node, calls, found, ends):
                found.setdefault(one, node)
                waiting.append((one, inner))
        return found

    def _made_of(
        self,
        node: ast.AST,
        calls: Calls,
        found: dict[ast.AST, ast.AST | None],
        ends: Callable[[ast.AST], bool],
    ) -> Iterator[tuple[ast.AST, Calls]]:
        match node:
            case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
                given = self.given(node) or []
                if isinstance(node, ast.Attribute):
                    yield node.value, calls
                mine = [one for one in given if calls and one.by is calls[-1]]
                for one in mine or given:
                    found.setdefault(one.by, node)
                    if isinstance(one.by, FUNCTIONS):
                        yield from ((value, ()) for value in self.returned(one.by))
                    if one.value is not None and not ends(one.by):
                        is_argument = isinstance(one.by, ast.Call) and not one.inside
                        yield (
                            one.value,
                            (calls[:-1] if one in mine else () if is_argument else calls),
                        )
            case ast.Call():
                reached = [one for one, _ in self.called(node)]
                called = [one for one in reached if not isinstance(one, ast.ClassDef)]
                for function in self.functions.get("__call__", ()):  # of an object that is made
                    if self.scope(function) in reached:
                        yield from ((value, ()) for value in self.returned(function))
                for function in called:
                    inner = (*calls, node)[-3:]
                    yield from ((value, inner) for value in self.returned(function))
                if not called or any(getattr(one, "name", "") == "__init__" for one in called):
                    func = node.func.value if isinstance(node.func, ast.Attribute) else node.func
                    yield from ((one, calls) for one in (func, *node.args, *node.keywords))
            case ast.Lambda(body=made) | ast.comprehension(iter=made):
                yield made, calls
            case _:
                yield from ((one, calls) for one in ast.iter_child_nodes(node))

    def returned(self, function: ast.AST) -> Iterator[ast.AST]:
        """The expressions that a function may return."""
        waiting = [*getattr(function, "body", ())]
        while waiting:
            node = waiting.pop()
            if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
                yield node.value
            if not isinstance(node, SCOPES):
                waiting.extend(ast.iter_child_nodes(node))
