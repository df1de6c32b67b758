"""Arguments of calls, and values that are known as they stand."""

from __future__ import annotations

import ast
from typing import NamedTuple

from selftaught.analysis.guest_programs.strategies.graph import Node

_LARGE = 1e9


class Arguments(NamedTuple):
    """Of a call: `*x` is in `starred` by its place, and stands in `placed` as x itself."""

    placed: list[Node]
    starred: frozenset[int]
    named: dict[str, Node]

    def get(self, place: int, name: str) -> Node | None:
        if name in self.named:
            return self.named[name]
        return self.placed[place] if place < len(self.placed) else None


def only(base: Node, depth: int = 0) -> Node | None:
    """The one object or dict that a variable always holds."""
    if base.op in ("instance", "dict"):
        return base
    goes_around = base.loop is not None and base.loop.kind != "recursion"
    if base.op in ("carried", "phi", "cell") and not goes_around and depth < 4:
        held = [*base.args, *(write.value for write in base.writes)]
        found = {id(one): one for one in (only(value, depth + 1) for value in held)}
        if len(found) == 1:
            return next(iter(found.values()))
    return None


def computed(op: ast.operator, left: Node, right: Node) -> float | None:
    """The result for two constant numbers, where it is as plain as they are."""
    if not (is_number(left) and is_number(right)):
        return None
    match op:
        case ast.Add():
            return left.value + right.value  # type: ignore[no-any-return]
        case ast.Sub():
            return left.value - right.value  # type: ignore[no-any-return]
        case ast.Mult() if max(abs(left.value), abs(right.value)) < _LARGE:
            return left.value * right.value  # type: ignore[no-any-return]
        case ast.Div() if right.value:
            return left.value / right.value  # type: ignore[no-any-return]
    return None


def listed(collection: Node) -> list[Node] | None:
    """The items of a list or tuple, if it is known what they are."""
    is_known = collection.op in ("list", "tuple") and collection.value == len(collection.writes)
    if not is_known or any(write.spread for write in collection.writes):
        return None
    return [write.value for write in collection.writes]


def is_number(node: Node) -> bool:
    return node.op == "const" and isinstance(node.value, (int, float))
