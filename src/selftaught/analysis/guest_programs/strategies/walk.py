"""Where a value may come from, what text it holds, and what it depends on.

A path says which part of a value is asked for: ANY item of a collection (the keys of a dict), an
ITEM by subscript, an item by its number, `.name` for an attribute, `=key` for a constant key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from selftaught.analysis.guest_programs.strategies.graph import Guard, Node

Path: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[Node, Path]

ANY = "*"
ITEM = "[]"

# Most steps of one walk; a program that takes more is not followed to its end.
MAX_STEPS = 20_000
MAX_PATH = 8

CONTAINERS = frozenset({"list", "tuple", "set", "dict", "instance", "class"})
# Their items are those of their first argument.
PASSING = frozenset({"copy", "sorted", "dedupe", "slice", "await"})
COLLECTIONS = CONTAINERS | PASSING | frozenset({"comp", "view", "zip", "code"})
# What a guest was given, or was answered: content is not followed beyond.
LEAVES = frozenset({"input", "asked", "code", "score", "const", "description"})
# Their result tells of their arguments, but holds none of their text.
NUMBERS = frozenset({"math", "compare", "logic", "argselect", "random", "raises", "limit", "range"})


def one_step(node: Node, path: Path) -> list[Place] | None:
    """The values that this one is, or may be; None if it is made here."""
    match node.op:
        case "phi" | "carried" | "either":
            return [(arg, path) for arg in node.args]
        case "cell":
            return [(write.value, path) for write in node.writes]
        case "copy" | "sorted" | "dedupe" | "slice" | "await":
            return [(node.args[0], _in_order(node, path)), *_written(node, path)]
        case "add":
            return [*((arg, path) for arg in node.args), *_written(node, path)]
        case "select" | "elem" | "take":
            return [(node.args[0], (ANY, *path))]
        case "draw":
            return [(node.args[0], (ANY, *path) if node.value == "one" else path)]
        case "index":
            return [(node.args[0], (_selector(node.args[1]), *path))]
        case "get":
            return [(node.args[0], (ITEM, *path)), *((arg, path) for arg in node.args[2:])]
        case "attr":
            return [(node.args[0], (f".{node.name}", *path))]
    return _into(node, path) if path else None


def _in_order(node: Node, path: Path) -> Path:
    """The path in what a list was made of: an item of it may be any, of a dict a key."""
    is_dict_still = node.op == "await" or node.name in ("copy", "deepcopy")
    if not path or is_dict_still:
        return path
    is_any = path[0] == ITEM or (isinstance(path[0], int) and node.op in ("sorted", "dedupe"))
    return (ANY, *path[1:]) if is_any else path


def _selector(index: Node) -> str | int:
    if index.op == "const" and isinstance(index.value, int):
        return int(index.value)
    if index.op == "const" and isinstance(index.value, str):
        return f"={index.value}"
    return ITEM


def _into(node: Node, path: Path) -> list[Place] | None:
    """A part of what is made here."""
    first, rest = path[0], path[1:]
    is_item = first in (ANY, ITEM) or isinstance(first, int)
    match node.op:
        case "list" | "set" | "tuple":
            return _items(node, path) if is_item else None
        case "dict":
            return _of_dict(node, first, rest)
        case "instance" | "class":
            return _of_instance(node, first, rest)
        case "comp":
            if not is_item:
                return None
            wanted = node.args[1:] if len(node.args) > 1 and first != ANY else node.args[:1]
            return [*((arg, rest) for arg in wanted), *_written(node, path)]
        case "view":
            return _of_view(node, rest) if is_item else None
        case "zip":
            if not is_item:
                return None
            chosen = node.args
            if rest and isinstance(rest[0], int) and -len(chosen) <= rest[0] < len(chosen):
                return [(chosen[rest[0]], (ANY, *rest[1:]))]
            return [(arg, (ANY, *rest[1:])) for arg in chosen]
    return None


def _items(node: Node, path: Path) -> list[Place]:
    first = path[0]
    listed = list(node.writes)
    is_record = node.op == "tuple" or node.value == len(node.writes)
    if isinstance(first, int) and is_record and not any(write.spread for write in listed):
        listed = listed[first : first + 1 or None]
    return [_through(write.value, path, spread=write.spread) for write in listed]


def _through(value: Node, path: Path, *, spread: bool) -> Place:
    return (value, path if spread else path[1:])


def _written(node: Node, path: Path) -> list[Place]:
    """What was put into a collection that was made of another."""
    if not path or not (path[0] in (ANY, ITEM) or isinstance(path[0], int)):
        return []
    return [_through(write.value, path, spread=write.spread) for write in node.writes]


def _of_dict(node: Node, first: str | int, rest: Path) -> list[Place] | None:
    found: list[Place] = []
    for write in node.writes:
        if write.spread:
            found.append((write.value, (first, *rest)))
        elif first == ANY:
            if write.key is not None:
                found.append((write.key, rest))
        elif isinstance(first, str) and first.startswith("="):
            key = write.key
            if key is None or key.op != "const" or f"={key.value}" == first:
                found.append((write.value, rest))
        elif first == ITEM or isinstance(first, int):
            found.append((write.value, rest))
    return found


def _of_instance(node: Node, first: str | int, rest: Path) -> list[Place] | None:
    if isinstance(first, str) and first.startswith("."):
        cell = node.cells.get(first[1:])
        return None if cell is None else [(cell, rest)]
    cells = list(node.cells.values())
    if isinstance(first, int):
        return [(cell, rest) for cell in cells[first : first + 1 or None]]
    return [(cell, rest) for cell in cells]


def _of_view(node: Node, rest: Path) -> list[Place]:
    source = node.args[0]
    keys, values = (source, (ANY, *rest)), (source, (ITEM, *rest))
    if node.name == "keys":
        return [keys]
    if node.name == "values":
        return [values]
    if rest[:1] == (0,):
        return [(source, (ANY, *rest[1:]))]
    if rest[:1] == (1,):
        return [(source, (ITEM, *rest[1:]))]
    return [keys, values]


_HOLDING = frozenset({"list", "set", "dict", "comp", "view", "zip", "sorted", "dedupe"})


def is_collection(node: Node, depth: int = 0) -> bool:
    """Whether a value holds several others (a tuple is a record)."""
    match node.op:
        case "list" | "set" | "dict" | "comp" | "view" | "zip" | "sorted" | "dedupe" | "asked":
            return True
        case "draw":
            return bool(node.value == "many")
        case "copy" | "slice" | "code" | "await":
            return bool(node.args) and is_collection(node.args[0], depth + 1)
        case "carried" | "phi" | "either" | "add" | "cell" if depth < 12:
            held = [*node.args, *(write.value for write in node.writes)]
            return any(is_collection(one, depth + 1) for one in held)
        case "index" | "elem" | "attr" | "get" | "take" if depth < 12:
            return any(not path and at.op in _HOLDING for at, path in origins(node))
    return False


def text_step(node: Node, path: Path) -> list[Place]:
    """The values whose text or items are held in one that is made here."""
    if node.op in LEAVES or node.op in NUMBERS:
        return []
    if node.op == "dict":
        held = [write.value for write in node.writes]
        return [(part, ()) for part in (*held, *(w.key for w in node.writes if w.key is not None))]
    if node.op in CONTAINERS:
        return [(part, ()) for part in (*(w.value for w in node.writes), *node.cells.values())]
    if node.op in ("closure", "module", "bound") or (node.op == "check" and node.name != "parse"):
        return []
    return [(arg, ()) for arg in (*node.args, *(write.value for write in node.writes))]


def walk(
    node: Node,
    path: Path = (),
    *,
    texts: bool = True,
    numbers: bool = False,
    into: Callable[[Node, Path], bool] = lambda node, path: True,
) -> Iterator[Place]:
    """Every value that a value comes from, itself first.

    Args:
        texts: also what its text is composed of, not only what it may be itself.
        numbers: also what it is computed from.
        into: whether to go on beyond a node.
    """
    seen: set[tuple[int, Path]] = set()
    waiting: list[Place] = [(node, path)]
    while waiting and len(seen) < MAX_STEPS:
        place = waiting.pop()
        known = (id(place[0]), place[1])
        if known in seen:
            continue
        seen.add(known)
        yield place
        if len(place[1]) > MAX_PATH or not into(*place):
            continue
        found = one_step(*place)
        if found is None and numbers and place[0].op in NUMBERS:
            found = [(arg, ()) for arg in place[0].args]
        if found is None and texts:
            found = text_step(*place)
        elif found is not None and texts and not place[1] and place[0].op != "cell":
            found = [*found, *((write.value, ()) for write in place[0].writes)]
        waiting.extend(reversed(found or []))


def origins(node: Node, path: Path = ()) -> list[Place]:
    """Where it may have been made."""
    return [place for place in walk(node, path, texts=False) if one_step(*place) is None]


def dependencies(
    *nodes: Node,
    control: bool = True,
    into: Callable[[Node], bool] = lambda node: node.op != "asked",
) -> list[Node]:
    """All that values depend on, themselves included.

    Args:
        control: also the conditions under which they come about.
        into: whether to go on beyond a node; requests to the model are not gone beyond.
    """
    seen: dict[int, Node] = {}
    waiting = list(nodes)
    while waiting and len(seen) < MAX_STEPS:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen[id(node)] = node
        if not into(node):
            continue
        waiting.extend(node.args)
        waiting.extend(node.cells.values())
        for write in node.writes:
            waiting.append(write.value)
            if write.key is not None:
                waiting.append(write.key)
            if control:
                waiting.extend(guard.condition for guard in write.guards)
        if control:
            waiting.extend(guard.condition for guards in node.guards for guard in guards)
    return list(seen.values())


def guards_on_the_way(node: Node, path: Path = ()) -> list[Guard]:
    """Conditions that the text of a value has passed: of writes, filters and alternatives."""
    found: list[Guard] = []
    for place, _ in walk(node, path):
        for guards in place.guards:
            found.extend(guards)
        for write in place.writes:
            found.extend(write.guards)
    return found
