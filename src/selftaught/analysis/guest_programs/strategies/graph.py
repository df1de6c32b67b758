"""The data flow of a program: a node for each value, with what it is made of.

A node stands for every value that an expression may have. Loops make cycles: a variable that a
loop's body assigns is a `carried` node, whose arguments are its value before the loop and its value
at the end of the body. What is mutable (lists, dicts, attributes) keeps the writes into it, in
whatever order they happen.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Loop:
    """A loop, a comprehension, or a function that calls itself."""

    __slots__ = ("kind", "line")

    def __init__(self, kind: str, line: int) -> None:
        self.kind = kind
        self.line = line


class Guard(NamedTuple):
    """A condition under which something happens."""

    condition: Node
    holds: bool


class Write(NamedTuple):
    """Something put into a mutable node.

    Attributes:
        key: of a dict's or list's item.
        spread: whether `value` is a collection whose items were put in.
    """

    value: Node
    key: Node | None
    spread: bool
    guards: tuple[Guard, ...]
    loops: tuple[Loop, ...]
    line: int


class Node:
    """One value; see the module.

    Attributes:
        op: what makes it: const, input, asked, code, score, text, part, splice, math, compare,
            logic, either, add, elem, index, get, slice, attr, copy, list, tuple, set, dict, comp,
            select, sorted, argselect, draw, random, take, dedupe, view, zip, phi,
            carried, cell, check, raises, call, and those of callables and modules.
        args: the values it is made of.
        name: of a variable, attribute, function or operator.
        value: of a constant; for other operations what they need besides.
        loop: that an elem or a carried value belongs to.
        loops: in which it was made.
        guards: conditions on a comprehension's items, or of each alternative of a phi.
        writes: into it.
        removals: lines at which something is taken out of it.
    """

    __slots__ = (
        "args",
        "cells",
        "guards",
        "line",
        "loop",
        "loops",
        "name",
        "op",
        "removals",
        "value",
        "writes",
    )

    def __init__(self, op: str, args: tuple[Node, ...], line: int) -> None:
        self.op = op
        self.args = args
        self.line = line
        self.name = ""
        self.value: Any = None
        self.loop: Loop | None = None
        self.loops: tuple[Loop, ...] = ()
        self.guards: tuple[tuple[Guard, ...], ...] = ()
        self.writes: list[Write] = []
        self.removals: list[int] = []
        self.cells: dict[str, Node] = {}


class Request(NamedTuple):
    """A call of the language model.

    Attributes:
        asked: the node of its responses.
        messages: the node of the message, or of the list of them.
    """

    asked: Node
    expertise: Node
    messages: Node
    temperature: Node | None
    is_batch: bool
    guards: tuple[Guard, ...]
    loops: tuple[Loop, ...]
    line: int


class Scoring(NamedTuple):
    """A use of the utility, for one program.

    Attributes:
        is_cached: whether it stands behind a cache of the standard library.
    """

    program: Node
    is_cached: bool
    guards: tuple[Guard, ...]
    loops: tuple[Loop, ...]
    line: int


class Flow(NamedTuple):
    """What a program does: its requests and scorings in order, and what it returns."""

    requests: list[Request]
    scorings: list[Scoring]
    returned: Node


class Unreadable(Exception):
    """A program that cannot be followed; the message says why."""
