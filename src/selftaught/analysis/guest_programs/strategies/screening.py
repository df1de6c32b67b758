"""Strategies told by what happens to a candidate before the utility is spent on it."""

from __future__ import annotations

from collections.abc import Iterator

from selftaught.analysis.guest_programs.strategies.facts import (
    PROGRESS,
    SCORE,
    Facts,
    tags,
)
from selftaught.analysis.guest_programs.strategies.graph import Guard, Node, Scoring
from selftaught.analysis.guest_programs.strategies.shown import Finding
from selftaught.analysis.guest_programs.strategies.slots import messages_of, slots_of
from selftaught.analysis.guest_programs.strategies.walk import (
    ANY,
    dependencies,
    guards_on_the_way,
    is_collection,
    origins,
    walk,
)

_BEYOND = frozenset({"asked", "score", "code"})
_SHOWS = ("fresh", "each", "several")


def caching(facts: Facts) -> Finding | None:
    """An equal program is not scored twice."""
    for scoring in facts.flow.scorings:
        leaves = {id(leaf) for leaf in facts.candidates(scoring.program, whole=False)}
        if not leaves:
            continue
        if scoring.is_cached:
            said = "the utility stands behind a cache of functools"
            return Finding("caching", [scoring.line], said)
        for guard in _passed(scoring):
            found = _looked_up(facts, guard, leaves)
            if found is not None:
                lines = [scoring.line, found.line]
                return Finding("caching", lines, "a program is looked up before it is scored")
        dropped = _without_equals(facts, scoring)
        if dropped is not None:
            lines = [scoring.line, dropped.line]
            return Finding("caching", lines, "equal programs are dropped before they are scored")
    return None


def _passed(scoring: Scoring) -> list[Guard]:
    """The conditions that a candidate has passed when it is scored."""
    return [*scoring.guards, *guards_on_the_way(scoring.program)]


def _looked_up(facts: Facts, guard: Guard, leaves: set[int]) -> Node | None:
    """Where a candidate is looked for among earlier ones, if the condition is that."""
    reached = dependencies(guard.condition, into=lambda node: node.op not in _BEYOND)
    for node in reached:
        for key, collection in _lookups(node, holds=guard.holds):
            held = facts.programs(key, whole=False)
            is_same = any(id(leaf) in leaves for leaf in held) and not _is_one_part(key)
            if not is_same or PROGRESS in tags(key):
                continue
            if is_collection(collection) and any(
                id(leaf) in leaves for leaf in facts.candidates(collection, (ANY,), whole=False)
            ):
                return node
    return None


def _is_one_part(key: Node) -> bool:
    """Whether a key is a part of a program, such as a name in it, and not a form of the whole."""
    return any(
        at.op in ("index", "select", "take")
        and any(made.op == "part" for made, _ in origins(at.args[0]))
        for at, _ in walk(key)
    )


def _lookups(node: Node, *, holds: bool) -> Iterator[tuple[Node, Node]]:
    """The key and the collection of each look-up that a condition is made of."""
    if node.op == "compare" and node.name in ("In", "NotIn"):
        yield node.args[0], node.args[1]
    elif node.op == "compare" and node.name in ("Eq", "NotEq"):
        for one, other in (node.args[:2], node.args[1::-1]):
            for item in _items(other):
                yield one, item.args[0]
    elif node.op == "get":
        yield node.args[1], node.args[0]
    elif node.op == "raises" and holds:
        for index in node.args:
            if index.op == "index":
                yield index.args[1], index.args[0]


def _items(side: Node) -> list[Node]:
    """Items of a collection that grows, which are compared one by one."""
    items = [at for at, _ in walk(side, into=lambda at, path: at.op not in ("elem", "code"))]
    return [
        item
        for item in items
        if item.op == "elem"
        and any(write.loops for at, _ in walk(item.args[0], texts=False) for write in at.writes)
    ]


def _without_equals(facts: Facts, scoring: Scoring) -> Node | None:
    """What a candidate comes through that holds equal ones but once."""
    for at, path in walk(scoring.program, texts=False):
        if not path:
            continue
        is_set = at.op in ("dedupe", "set") or (
            at.op == "comp" and len(at.args) > 1 and bool(facts.candidates(at.args[0]))
        )
        if at.op == "dict":
            unscored = [write.key for write in at.writes if SCORE not in tags(write.value)]
            is_set = any(key is not None and facts.candidates(key) for key in unscored)
        if is_set and facts.candidates(at, path):
            return at
    return None


# --- self-tests -----------------------------------------------------------------------------------


def self_tests(facts: Facts) -> Finding | None:
    """Candidates are parsed, run, or judged by the model before they are scored."""
    for scoring in facts.flow.scorings:
        leaves = {id(leaf) for leaf in facts.candidates(scoring.program, whole=False)}
        if not leaves:
            continue
        taken_apart = {id(at) for at, _ in walk(scoring.program) if at.op == "check"}
        for condition in _conditions(scoring):
            for node in dependencies(condition, into=lambda node: node.op not in _BEYOND):
                said = None
                if node.op == "check" and id(node) not in taken_apart:
                    held = [leaf for arg in node.args for leaf in facts.fresh(arg)]
                    if any(id(leaf) in leaves for leaf in held):
                        said = f"candidates pass {node.name}() before they are scored"
                elif node.op == "asked" and _is_verdict(facts, node, leaves):
                    said = "candidates pass the model's verdict before they are scored"
                if said is not None:
                    return Finding("self_tests", [scoring.line, node.line, condition.line], said)
    return None


def _conditions(scoring: Scoring) -> Iterator[Node]:
    yield from (guard.condition for guard in _passed(scoring))
    for at, _ in walk(scoring.program, texts=False):
        if at.op in ("index", "get", "slice", "sorted", "select"):  # which of them are scored
            yield from at.args[1:]


def _is_verdict(facts: Facts, asked: Node, leaves: set[int]) -> bool:
    """Whether candidates that were just written are shown in a request that asks for no program."""
    for request in facts.flow.requests:
        if request.asked is asked and request not in facts.program_requests:
            for message in messages_of(request):
                for slot in slots_of(facts, message):
                    held = facts.candidates(*slot.source)
                    if slot.kind in _SHOWS and any(id(leaf) in leaves for leaf in held):
                        return True
    return False
