"""How the programs that a request shows were chosen, and what a variable becomes."""

from __future__ import annotations

from typing import NamedTuple

from selftaught.analysis.guest_programs.strategies.facts import (
    CHANCE,
    SCORE,
    Facts,
    is_in,
    steps,
    tags,
)
from selftaught.analysis.guest_programs.strategies.graph import Guard, Node, Request
from selftaught.analysis.guest_programs.strategies.ranking import leading
from selftaught.analysis.guest_programs.strategies.slots import Message, Slot, slot_at
from selftaught.analysis.guest_programs.strategies.walk import (
    LEAVES,
    MAX_PATH,
    NUMBERS,
    Path,
    one_step,
    walk,
)


class Alternative(NamedTuple):
    """A value that a variable may get in a loop, and under which conditions."""

    node: Node
    path: Path
    guards: tuple[Guard, ...]


def alternatives(variable: Node, path: Path) -> list[Alternative]:
    """What a variable becomes in the course of a loop, itself left out."""
    found: list[Alternative] = []
    seen: set[tuple[int, Path]] = {(id(variable), path)}
    waiting = [(value, path, guards) for value, guards in steps(variable)]
    while waiting:
        node, part, guards = waiting.pop()
        if (id(node), part) in seen or len(part) > MAX_PATH:
            continue
        seen.add((id(node), part))
        if node.op == "carried" and node.name == variable.name:
            waiting.append((node.args[0], part, guards))
            waiting.extend((value, part, (*guards, *more)) for value, more in steps(node))
        elif node.op == "phi":
            waiting.extend(
                (arg, part, (*guards, *more))
                for arg, more in zip(node.args, node.guards, strict=True)
            )
        elif node.op in ("either", "index", "attr", "tuple", "instance", "copy", "await"):
            beyond = one_step(node, part)
            if node.op == "index" and beyond and beyond[0][0].op not in _RECORDS:
                beyond = None
            if beyond is None:
                found.append(Alternative(node, part, guards))
            else:
                waiting.extend((*place, guards) for place in beyond)
        else:
            found.append(Alternative(node, part, guards))
    return found


_RECORDS = frozenset({"tuple", "instance", "carried", "phi", "either", "select", "elem", "cell"})


def behind(facts: Facts, message: Message, slot: Slot) -> list[Slot]:
    """The choices by which a variable got its program, where it got it by one."""
    if slot.kind != "variable":
        return [slot]
    made = [
        slot_at(facts, message, new.node, new.path)
        for new in alternatives(*slot.source)
        if new.node.op in ("select", "draw", "take", "index") and facts.programs(new.node, new.path)
    ]
    return [slot, *(one for one in made if one is not None)]


class Choice(NamedTuple):
    """How the collection came about that a program was chosen from.

    Attributes:
        kept: whether it holds programs of earlier rounds.
        drawn: whether chance had a part in the choice.
        ranked: lines at which its programs are ranked by score.
        consumed: whether what is chosen is taken out of it.
    """

    kept: bool
    drawn: bool
    ranked: list[int]
    consumed: bool


def choice_of(slot: Slot, request: Request) -> Choice:
    """See `Choice`; looked into as far as the responses themselves."""
    loops = request.loops
    kept = drawn = consumed = False
    ranked: list[int] = []
    reached = [(slot.node, ()), *walk(*slot.source, texts=False)]
    for at, _ in reached:
        if at.op in LEAVES or at.op in NUMBERS or (at is slot.node and slot.kind == "variable"):
            continue
        if at.op == "carried" and is_in(at.loop, loops) and len(at.args) > 1:
            kept = True
        if any(
            is_in(loop, loops) and not is_in(loop, at.loops)
            for write in at.writes
            for loop in write.loops
        ):
            kept = True
        if at.op == "draw" or (at.op == "index" and CHANCE in tags(at.args[1])):
            drawn = True
        drawn = drawn or slot.kind == "drawn"
        chosen_by = _chosen_by(at)
        if any(SCORE in tags(*leading(number)) for number in chosen_by):
            ranked.append(at.line)
        if at.op == "sorted" and CHANCE in tags(*leading(at.args[1])):
            drawn = True
        if at.op == "take" and at.name != "next":
            consumed = True
    return Choice(kept, drawn, ranked, consumed)


def _chosen_by(node: Node) -> list[Node]:
    """The numbers by which a node chooses or orders what it has."""
    match node.op:
        case "draw":
            return list(node.args[2:])
        case "sorted" | "select":
            return list(node.args[1:])
        case "index":
            chosen = [at for at, _ in walk(node.args[1], numbers=True) if at.op == "select"]
            return [node.args[1], *(at.args[1] for at in chosen)]
    return []
