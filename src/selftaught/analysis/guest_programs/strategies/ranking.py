"""By what programs are ranked."""

from __future__ import annotations

from selftaught.analysis.guest_programs.strategies.facts import (
    CHANCE,
    PROGRESS,
    SCORE,
    is_length,
    tags,
)
from selftaught.analysis.guest_programs.strategies.graph import Node
from selftaught.analysis.guest_programs.strategies.walk import Place, origins, walk

_EXPLORING = frozenset({"sqrt", "log", "log1p", "log2", "log10", "exp", "Pow", "power"})


def leading(key: Node) -> Place:
    """What a key orders by first: of a record its first item, if scores are there."""
    is_record = any(at.op == "tuple" and not path for at, path in origins(key))
    return (key, (0,)) if is_record and SCORE in tags(key, (0,)) else (key, ())


def is_score(key: Node) -> bool:
    """Whether what is chosen by a key is the best by score, and by nothing else besides."""
    first = leading(key)
    told = tags(*first)
    if SCORE not in told or told & {CHANCE, PROGRESS}:
        return False
    for at, _ in walk(*first, numbers=True):
        if at.op in ("math", "add"):
            others = [arg for arg in at.args if arg.op != "const" and SCORE not in tags(arg)]
            if at.name == "Div" and at.args[0].name == "sum":
                others = [arg for arg in others if not is_length(arg)]
            if at.name in _EXPLORING or (others and len(at.args) > 1):
                return False
    return True


def order_of(collection: Node, depth: int = 0) -> Node | None:
    """What a collection is sorted by, if it is."""
    if collection.op == "sorted":
        return collection.args[1]
    if collection.op in ("slice", "copy") and collection.args:
        return order_of(collection.args[0], depth + 1)
    if collection.op in ("carried", "phi", "either", "cell") and depth < 8:
        held = [*collection.args, *(write.value for write in collection.writes)]
        for one in held:
            ranked = order_of(one, depth + 1)
            if ranked is not None:
                return ranked
    if collection.op == "list" and collection.name == "heap":
        return collection.writes[-1].value
    return None
