"""The programs that a request shows, and how each of them was chosen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from selftaught.analysis.guest_programs.strategies.facts import (
    CHANCE,
    PROGRESS,
    SCORE,
    Facts,
    is_in,
    is_initial,
    is_length,
    tags,
)
from selftaught.analysis.guest_programs.strategies.graph import Guard, Loop, Node, Request
from selftaught.analysis.guest_programs.strategies.ranking import is_score, order_of
from selftaught.analysis.guest_programs.strategies.walk import (
    ANY,
    ITEM,
    MAX_PATH,
    Path,
    Place,
    is_collection,
    one_step,
    origins,
    text_step,
    walk,
)


class Message(NamedTuple):
    """One prompt of a request, and the loops in each turn of which there is one."""

    text: Node
    loops: tuple[Loop, ...]


class Slot(NamedTuple):
    """A place in a prompt that a program fills.

    Attributes:
        kind: initial (the first program), fresh (a response of this round), variable, each (one
            after the other of a collection), several (a whole collection), best (by score alone),
            picked (by something else), indexed, drawn (by chance), taken (out of a frontier).
        source: what it is chosen from; for a variable the variable itself.
        is_optional: whether another program may stand in its place.
    """

    kind: str
    node: Node
    source: Place
    is_optional: bool = False


def messages_of(request: Request) -> list[Message]:
    """The prompts of a request: one, or one for each item of a batch."""
    if not request.is_batch:
        return [Message(request.messages, request.loops)]
    found: list[Message] = []
    seen: set[int] = set()
    waiting = [(request.messages, request.loops)]
    while waiting:
        node, loops = waiting.pop(0)
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.op == "comp":
            found.append(Message(node.args[-1], (*loops, *node.value)))
        elif node.op in ("list", "tuple", "set"):
            for write in node.writes:
                inside = (*loops, *(loop for loop in write.loops if not is_in(loop, loops)))
                if write.spread:
                    waiting.append((write.value, inside))
                else:
                    found.append(Message(write.value, inside))
        elif node.op in ("slice", "copy", "sorted", "dedupe"):
            waiting.append((node.args[0], loops))
        elif node.op in ("carried", "phi", "either", "add", "cell"):
            waiting.extend((arg, loops) for arg in node.args)
            waiting.extend((write.value, loops) for write in node.writes)
        elif node.op == "index" and node.args[0].op == "zip":
            waiting.extend((arg, loops) for arg in node.args[0].args)
        else:
            found.append(Message(node, loops))
    return found


# All lines of a program together are the program.
_LINES = frozenset({"split", "splitlines"})


def slots_of(facts: Facts, message: Message) -> list[Slot]:
    """The programs in a prompt, in the order in which they are found."""
    found: dict[tuple[int, Path], Slot] = {}
    seen: set[tuple[int, Path]] = set()
    waiting = [_Place(message.text, ())]
    while waiting:
        place = waiting.pop()
        node, path = place.node, place.path
        if (id(node), path) in seen or len(path) > MAX_PATH:
            continue
        seen.add((id(node), path))
        if not facts.programs(node, path, whole=False):
            continue
        slot = _slot(facts, message, place)
        if slot is None:
            waiting.extend(_beyond(facts, place))
            continue
        parts = facts.parts_in(*slot.source)
        if not parts:
            found[id(slot.node), path] = slot._replace(is_optional=place.is_optional)
        elif slot.kind == "several" and all(part.name in _LINES for part in parts):
            waiting.extend(place._replace(node=part.args[0], path=()) for part in parts)
    return list(found.values())


class _Place(NamedTuple):
    """A value on the way from a prompt to the programs in it.

    Attributes:
        is_optional: whether another value may stand in its place.
        is_joined: whether it is one of many that are joined.
        is_chance: whether chance decides that it is this one.
    """

    node: Node
    path: Path
    is_optional: bool = False
    is_joined: bool = False
    is_chance: bool = False


def _beyond(facts: Facts, place: _Place) -> list[_Place]:
    node, path = place.node, place.path
    steps_on = one_step(node, path)
    made_here = steps_on is None
    beyond = [place._replace(node=at, path=on) for at, on in steps_on or text_step(node, path)]
    if node.op in ("phi", "either") and sum(bool(facts.programs(*one[:2])) for one in beyond) > 1:
        beyond = [one._replace(is_optional=True) for one in beyond]
    if node.op == "phi":
        beyond = [
            one._replace(is_chance=one.is_chance or _is_by_chance(facts, guards))
            for one, guards in zip(beyond, node.guards, strict=False)
        ]
    if (made_here and is_collection(node)) or node.op == "carried":
        beyond = [one._replace(is_joined=True) for one in beyond]
    return beyond


def _is_by_chance(facts: Facts, guards: Iterable[Guard]) -> bool:
    compared = facts.comparisons(guards)
    return any(CHANCE in tags(side) for found in compared for side in found.args)


def slot_at(facts: Facts, message: Message, node: Node, path: Path) -> Slot | None:
    """The slot that a value is, if it is one."""
    return _slot(facts, message, _Place(node, path))


def _slot(facts: Facts, message: Message, place: _Place) -> Slot | None:
    """The slot that a value is, or None if it is to be looked into."""
    node, path = place.node, place.path
    if is_initial(node):
        return Slot("initial", node, (node, path))
    if node.op in ("code", "asked"):
        several = not path and is_collection(node)
        return Slot("several" if several else "fresh", node, (node, (ANY,)))
    if (
        not path
        and is_collection(node)
        and node.op not in ("comp", "list", "tuple", "phi", "either")
    ):
        return Slot("several", node, (node, (ANY,)))
    match node.op:
        case "carried" | "cell":
            if _gathers_text(node) or not _changes(node):
                return None
            return Slot("variable", node, (node, path))
        case "elem" if not _are_composed((node.args[0], (ANY, *path))):
            kind = "drawn" if place.is_chance else "picked"
            if node.loop is None or is_in(node.loop, message.loops):
                kind = "each"
            elif place.is_joined:
                kind = "several"
            return Slot(kind, node, (node.args[0], (ANY, *path)))
        case "select":
            kind = "best" if is_score(node.args[1]) else "picked"
            if _is_one_of_several(node.args[0], message):
                kind = "each"
            return Slot(kind, node, (node.args[0], (ANY, *path)))
        case "take" if node.name != "next":
            return Slot("taken", node, (node.args[0], (ANY, *path)))
        case "draw":
            return Slot("drawn", node, (node.args[0], (ANY, *path)))
        case "index":
            return _indexed(message, node, path)
    return None


def _is_one_of_several(collection: Node, message: Message) -> bool:
    """Whether it is one collection after the other from which a program is chosen."""
    return any(
        at.op == "elem" and is_in(at.loop, message.loops) for at, _ in walk(collection, texts=False)
    )


_PROSE = re.compile(r"[^\W\d_]{3}")


def _are_composed(source: Place) -> bool:
    """Whether the items are texts around programs, such as prompts, and not programs."""
    return any(
        at.op in ("text", "add", "splice")
        and any(
            part.op == "const" and isinstance(part.value, str) and _PROSE.search(part.value)
            for part, _ in walk(at, path)
        )
        for at, path in origins(*source)
    ) or any(
        at.op == "add"
        and not path
        and not is_collection(at)
        and any(arg.op == "const" and _PROSE.search(str(arg.value)) for arg in at.args)
        for at, path in walk(*source, texts=False)
    )


def _indexed(message: Message, node: Node, path: Path) -> Slot | None:
    base, index = node.args
    if not is_collection(base) or (index.op == "const" and isinstance(index.value, str)):
        return None
    place = (base, (ITEM, *path))
    told = tags(index)
    if index.op == "const":
        ranked = order_of(base)
        if ranked is None:
            return Slot("indexed", node, place)
        return Slot("best" if is_score(ranked) else "picked", node, place)
    if CHANCE in told:
        return Slot("drawn", node, place)
    reached = walk(index, texts=False, numbers=True, into=lambda at, path: not is_length(at))
    turns = [at for at, _ in reached if at.op == "elem" and at.loop is not None]
    if turns:
        is_each = any(is_in(at.loop, message.loops) for at in turns)
        return Slot("each" if is_each else "several", node, place)
    if index.op == "argselect" or SCORE in told:
        pure = not told & {PROGRESS}
        return Slot("best" if pure else "picked", node, place)
    return Slot("each", node, place)


def _gathers_text(node: Node) -> bool:
    """Whether a variable is a text to which more is added."""
    values = [*node.args[1:], *(write.value for write in node.writes)]
    return any(
        at.op == "add" and any(arg is node for arg in at.args) and not is_collection(node)
        for value in values
        for at, _ in walk(value, texts=False)
    )


def _changes(node: Node) -> bool:
    """Whether a variable has more than the value that it began with."""
    return len(node.args) > 1 if node.op == "carried" else len(node.writes) > 1
