"""An improver's text as the rules see it: what its names are made of, how it asks and scores.

In a guest, since a program's text is hostile; none of it is run. A name is all that is given to it
anywhere in its function, an attribute all that is given to any of its name: which of two values it
has at some time is not asked, nor who called.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

Nodes: TypeAlias = Iterator[ast.AST]

ENTRY, LOOPS = "improve_algorithm", (ast.For, ast.While)
_NAMES = (ast.Name, ast.Attribute)
_AGAIN = (*LOOPS, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_PUTS_IN = {"append", "appendleft", "add", "update", "extend", "insert", "setdefault", "put"}
_SCORINGS = {"map", "start", "start_map", "__call__"}
_ASKS = {"prompt", "batch_prompt", "start", "start_batch"}
# Where requests have their words and their temperature; a batch has one place less.
_PLACES = {"expertise": 0, "message": 1, "temperature": 3}


class Improver:
    """A program with an `improve_algorithm`.

    Attributes:
        given: by name of a variable, an attribute or a function: what it may be, what gives it, and
            in which function; what is put into it is given to all of its name.
        asks: its requests of the model.
        scorings: where the utility is called, or handed to something that calls it.
    """

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self.nodes = list(ast.walk(self.tree))
        self.parent = {one: node for node in self.nodes for one in ast.iter_child_nodes(node)}
        named = (ast.FunctionDef, ast.ClassDef)
        self.functions = {one.name: one for one in self.nodes if isinstance(one, named)}
        self.given: defaultdict[str, list[tuple[ast.AST, ast.AST, Any]]] = defaultdict(list)
        for node in self.nodes:
            is_put = isinstance(node, (ast.Call, ast.Delete))
            where = self.functions.get(name_of(node)) if is_put else self.function(node)
            for name, value in self._gives(node):
                self.given[name].append((value, node, where))
        entry = self.functions.get(ENTRY)
        if not isinstance(entry, ast.FunctionDef):
            raise ValueError(f"it defines no {ENTRY}")
        self._made: dict[ast.AST, set[ast.AST]] = {}
        utility, model = (one.arg for one in (entry.args.args * 3)[1:3])
        calls = [one for one in self.nodes if isinstance(one, ast.Call)]
        self.asks = [one for one in calls if self._is_ask(one, model)]
        self.scorings = {one for node in self.nodes for one in self._scoring(node, utility)}
        self._ends = {*self.asks, *self.scorings}

    def _gives(self, node: Any) -> Iterator[tuple[str, ast.AST]]:
        match node:
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.NamedExpr() if node.value:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    yield from _pairs(target, node.value)
                    if isinstance(node, ast.AugAssign) or isinstance(node.value, ast.Constant):
                        # What only counts is made of the condition under which it does.
                        yield from ((name_of(target), test) for test in self.tests(node)[:1])
            case ast.For() | ast.comprehension():
                yield from _pairs(node.target, node.iter)
            case ast.Delete(targets=[ast.Subscript(value=base) as target]):
                yield name_of(base), target
            case ast.Return() | ast.Yield() if node.value:
                yield getattr(self.function(node), "name", ""), node.value
            case ast.Call(func=function, args=arguments):
                own = self.functions.get(name_of(node))
                if own is not None:
                    yield from zip(_parameters(own), arguments, strict=False)
                    yield from ((one.arg or "", one.value) for one in node.keywords)
                elif name_of(node) == "heappush":
                    yield from ((name_of(arguments[0]), one) for one in arguments[1:])
                elif isinstance(function, ast.Attribute) and name_of(node) in _PUTS_IN:
                    yield from ((name_of(function.value), one) for one in arguments)
                elif isinstance(function, ast.Attribute) and name_of(node) == "sort":
                    yield name_of(function.value), node

    def made_of(self, node: ast.AST) -> set[ast.AST]:
        """All that a value is made of, as far as requests and scorings, and what gives it."""
        if node not in self._made:
            self._made[node] = self.reach(node, lambda _: False)
        return self._made[node]

    def reach(self, start: ast.AST, ends: Callable[[ast.AST], object]) -> set[ast.AST]:
        """The same; nodes that are an end are not looked into, nor is what they give."""
        found: set[ast.AST] = set()
        waiting = [start]
        while waiting:
            node = waiting.pop()
            is_end = node is not start and (node in self._ends or ends(node))
            is_known = node in found
            found.add(node)
            match node:
                case _ if is_known or is_end:
                    continue
                case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
                    given = self.given[name_of(node)]
                    places = (self.function(node), None)
                    own = [one for one in given if one[2] in places and isinstance(node, ast.Name)]
                    for value, by, _ in own or given:
                        found |= set() if isinstance(by, ast.Call) else {by}
                        waiting += [] if ends(by) else [value]
                    waiting += [node.value] if isinstance(node, ast.Attribute) else []
                case ast.Call(func=function) if name_of(node) in self.functions:
                    waiting.append(function)
                    if isinstance(self.functions[name_of(node)], ast.ClassDef):
                        waiting += [*node.args, *node.keywords]
                        waiting += [value for value, *_ in self.given["__call__"]]
                case ast.expr() | ast.keyword() | ast.comprehension():
                    waiting += ast.iter_child_nodes(node)
        return found

    def _is_ask(self, call: ast.Call, model: str) -> bool:
        name, base = name_of(call), getattr(call.func, "value", None)
        is_asked = name in _ASKS and name not in self.functions and base is not None
        return is_asked and ("prompt" in name or name_of(base).strip("_") == model)

    def _scoring(self, node: ast.AST, utility: str) -> Nodes:
        above = self.parent.get(node)
        if not isinstance(node, _NAMES) or name_of(node).strip("_") != utility:
            return
        if isinstance(above, ast.Attribute):
            if above.attr in _SCORINGS:
                yield self.parent[above]
        elif isinstance(above, ast.Call) and name_of(above) not in self.functions:
            yield above if above.func is node else node
        elif getattr(above, "arg", "") == "key":
            yield node

    def argument(self, ask: ast.Call, name: str) -> ast.expr:
        """What a request is made of: `expertise`, `message` (of a batch, too) or `temperature`."""
        named = [one.value for one in ask.keywords if (one.arg or "").startswith(name)]
        place = _PLACES[name] - (name == "temperature" and "batch" in name_of(ask))
        return [*named, *ask.args[place : place + 1], ast.Constant(None)][0]

    def has_program(self, *nodes: ast.AST) -> bool:
        """Whether what the model replied is in one of them."""
        return any(not self.made_of(node).isdisjoint(self.asks) for node in nodes)

    def has_score(self, *nodes: ast.AST) -> bool:
        """Whether a score is in one of them, or decided about what is counted in it."""
        return any(not self.made_of(node).isdisjoint(self.scorings) for node in nodes)

    def names_in(self, node: ast.AST) -> set[str]:
        return {name_of(one) for one in self.made_of(node)}

    def says(self, ask: ast.Call, pattern: str | re.Pattern[str]) -> bool:
        """Whether it is in the texts of a message."""
        found = self.made_of(self.argument(ask, "message"))
        told = [one for one in self.nodes if one in found]  # in the order of the program
        values = [one.value for one in told if isinstance(one, ast.Constant)]
        text = "\0".join(one for one in values if isinstance(one, str))
        return re.search(pattern, text) is not None

    def around(self, node: ast.AST) -> Nodes:
        """What a node stands in, up to its function."""
        while node in self.parent and not isinstance(node, ast.FunctionDef):
            node = self.parent[node]
            yield node

    def function(self, node: ast.AST) -> ast.AST:
        """The function around a node, or the whole program."""
        return next(
            (one for one in self.around(node) if isinstance(one, ast.FunctionDef)), self.tree
        )

    def loops(self, node: ast.AST, deep: int = 0) -> list[Any]:
        """Loops in which it runs, comprehensions and loops of its function's callers too."""
        found: list[Any] = [one for one in self.around(node) if isinstance(one, _AGAIN)]
        name = getattr(self.function(node), "name", ENTRY)
        for call in self.nodes if deep < 4 and name != ENTRY else ():
            if isinstance(call, ast.Call) and name_of(call) == name:
                found += self.loops(call, deep + 1)
        return found

    def tests(self, node: ast.AST) -> list[ast.expr]:
        """Conditions under which a statement runs, in its loop: those of the `if`s around it."""
        found = []
        for above in self.around(node):
            if isinstance(above, LOOPS):
                break
            found += [above.test] if isinstance(above, ast.If) else []
        return found

    def is_planned(self, node: ast.AST) -> bool:
        """Whether a name changes by what no score decides."""
        for value, by, _ in self.given[name_of(node)]:
            is_own = name_of(node) in {name_of(one) for one in ast.walk(value)}
            is_round = isinstance(by, ast.For) and not self.has_score(value)
            if (is_own or is_round or isinstance(by, ast.AugAssign)) and not self.has_program(
                value
            ):
                return True
        return False


def _pairs(target: Any, value: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Names that an assignment gives values."""
    match target:
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            parts = getattr(value, "elts", ())
            parts = parts if len(parts) == len(targets) else [value] * len(targets)
            for one, part in zip(targets, parts, strict=True):
                yield from _pairs(one, part)
        case ast.Subscript(slice=key):
            yield from ((name_of(target), one) for one in (value, key))
        case _:
            yield name_of(target), value


def _parameters(function: Any) -> list[str]:
    if isinstance(function, ast.ClassDef):
        begun = [one for one in function.body if getattr(one, "name", "") == "__init__"]
        return _parameters(begun[0]) if begun else []
    names = [one.arg for one in function.args.args]
    return names[names[:1] == ["self"] :]


def name_of(node: Any) -> str:
    """The last name of a name, an attribute, the function of a call, or what holds an item."""
    while isinstance(node, (ast.Call, ast.Subscript, ast.Starred)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", "") or getattr(node, "attr", "")
