"""The state of following a program: its variables, the conditions and loops around a place."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from selftaught.analysis.guest_programs.strategies.graph import (
    Guard,
    Loop,
    Node,
    Request,
    Scoring,
    Unreadable,
    Write,
)
from selftaught.analysis.guest_programs.strategies.walk import COLLECTIONS, origins, walk

MAX_NODES = 60_000
MAX_INLINED = 14

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Key: TypeAlias = tuple[int, str]


class Scope:
    """Variables of a function, a comprehension or the module."""

    __slots__ = ("names", "outer", "shared")

    def __init__(self, outer: Scope | None) -> None:
        self.names: dict[str, Node] = {}
        self.outer = outer
        self.shared: set[str] = set()  # names that are assigned in an outer scope

    def owner(self, name: str) -> Scope | None:
        """The scope in which a name is found."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope
            scope = scope.outer
        return None


class Frame:
    """A function that is being followed."""

    __slots__ = ("function", "guards_before", "parameters", "result", "returns", "yields")

    def __init__(self, function: Function, guards_before: int, result: Node) -> None:
        self.function = function
        self.guards_before = guards_before
        self.result = result
        self.returns: list[tuple[Node, tuple[Guard, ...]]] = []
        self.yields: Node | None = None
        self.parameters: dict[str, Node] = {}


class State:
    """What all parts of following a program share."""

    def __init__(self) -> None:
        self.line = 1
        self.count = 0
        self.scope = Scope(None)
        self.guards: tuple[Guard, ...] = ()
        self.loops: tuple[Loop, ...] = ()
        self.frames: list[Frame] = []
        self.carried: list[list[tuple[Scope, str, Node]]] = []
        self.trail: list[tuple[Scope, str, Node | None]] = []
        self.tries = 0
        self.caches = 0
        self.raising: list[Node] = []
        self.requests: list[Request] = []
        self.scorings: list[Scoring] = []

    # --- nodes ------------------------------------------------------------------------------------

    def node(self, op: str, *args: Node, name: str = "") -> Node:
        self.count += 1
        if self.count > MAX_NODES:
            raise Unreadable(f"it takes more than {MAX_NODES:,} steps to follow")
        made = Node(op, args, self.line)
        made.name, made.loops = name, self.loops
        return made

    def const(self, value: object) -> Node:
        made = self.node("const")
        made.value = value
        return made

    def collection(self, op: str, values: Iterable[Node]) -> Node:
        """A list, tuple or set of these."""
        made = self.node(op)
        for value in values:
            self.put(made, value)
        made.value = len(made.writes)
        return made

    def put(
        self, into: Node, value: Node, *, key: Node | None = None, spread: bool = False
    ) -> None:
        into.writes.append(Write(value, key, spread, self.guards, self.loops, self.line))

    # --- variables --------------------------------------------------------------------------------

    def assign(self, name: str, value: Node, scope: Scope | None = None) -> None:
        scope = self.scope if scope is None else scope
        if name in scope.shared:
            scope = (scope.outer and scope.outer.owner(name)) or scope
        self.trail.append((scope, name, scope.names.get(name)))
        scope.names[name] = value

    def lookup(self, name: str) -> Node:
        owner = self.scope.owner(name)
        return self.node("module", name=name) if owner is None else owner.names[name]

    def alternatives(
        self, branches: Sequence[tuple[tuple[Guard, ...], Callable[[], bool]]]
    ) -> list[bool]:
        """Follow each branch from here, and join what they assign; whether each one leaves."""
        guards = self.guards
        leaves: list[bool] = []
        changes: list[dict[Key, tuple[Scope, Node]]] = []
        for under, follow in branches:
            mark = len(self.trail)
            self.guards = guards + under
            leaves.append(follow())
            changes.append(self._undone(mark))
        self.guards = guards
        staying = [place for place, left in enumerate(leaves) if not left]
        joined = staying or range(len(branches))
        keys = {key: scope for place in joined for key, (scope, _) in changes[place].items()}
        for key, scope in keys.items():
            before = scope.names.get(key[1])
            made = [
                (changes[place].get(key, (scope, before))[1], branches[place][0])
                for place in joined
            ]
            listed = [(value, under) for value, under in made if value is not None]
            self.assign(key[1], self.joined(listed), scope)
        return leaves

    def joined(self, listed: Sequence[tuple[Node, tuple[Guard, ...]]]) -> Node:
        """One of several values, each under its conditions."""
        if len({id(value) for value, _ in listed}) == 1:
            return listed[0][0]
        phi = self.node("phi", *(value for value, _ in listed))
        phi.guards = tuple(guards for _, guards in listed)
        return phi

    def _undone(self, mark: int) -> dict[Key, tuple[Scope, Node]]:
        """Take back the assignments since then, and tell what they were."""
        changed: dict[Key, tuple[Scope, Node]] = {}
        while len(self.trail) > mark:
            scope, name, before = self.trail.pop()
            changed.setdefault((id(scope), name), (scope, scope.names[name]))
            if before is None:
                del scope.names[name]
            else:
                scope.names[name] = before
        return changed

    # --- loops ------------------------------------------------------------------------------------

    def looped(
        self, loop: Loop, variables: Iterable[tuple[Scope, str]], follow: Callable[[], None]
    ) -> None:
        """Follow a loop's body once, with the variables that it assigns carried around."""
        carried: list[tuple[Scope, str, Node]] = []
        for owner, name in variables:
            around = self.node("carried", owner.names[name], name=name)
            around.loop, around.guards = loop, ((),)
            self.assign(name, around, owner)
            carried.append((owner, name, around))
        guards, self.loops = self.guards, (*self.loops, loop)
        self.carried.append(carried)
        follow()
        self.carry()
        self.carried.pop()
        self.guards, self.loops = guards, self.loops[:-1]
        for owner, name, around in carried:
            self.assign(name, around if len(around.args) > 1 else around.args[0], owner)

    def carry(self) -> None:
        """The variables of the innermost loop go around with their values of now."""
        if not self.carried:
            return
        for owner, name, around in self.carried[-1]:
            value = owner.names.get(name, around)
            if value is not around:
                around.args = (*around.args, value)
                around.guards = (*around.guards, self.guards)

    # --- what a value can be ----------------------------------------------------------------------

    def targets(self, node: Node) -> list[Node]:
        """The functions, objects or modules that a value may be."""
        return list({id(found): found for found, path in origins(node) if not path}.values())

    def containers(self, node: Node) -> list[Node]:
        """The collections that a value may be, and which can be changed."""
        made_here = COLLECTIONS | {"add", "part", "call"}
        places = walk(node, texts=False, into=lambda at, path: bool(path) or at.op not in made_here)
        found = {id(at): at for at, path in places if not path and at.op in made_here}
        return list(found.values())
