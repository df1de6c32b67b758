"""An improver's text as the rules see it: what its names are made of, how it asks and scores.

In a guest, since a program's text is hostile; none of it is run. A name is all that is given to it
anywhere in its function, an attribute all that is given to any of its name: which of two values it
has at some time is not asked, nor who called.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

Nodes: TypeAlias = Iterator[ast.AST]

# How an improver is called: improve_algorithm(initial_solution, utility, language_model).
ENTRY = "improve_algorithm"
LOOPS = (ast.For, ast.While)
_NAMES = (ast.Name, ast.Attribute)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_PUTS_IN = {"append", "appendleft", "add", "update", "extend", "insert", "setdefault", "put"}
_SCORINGS = {"map", "start", "start_map", "__call__"}
# Where requests have their words and their temperature; a batch has one place less.
_PLACES = {"expertise": 0, "message": 1, "temperature": 3}


class Given(NamedTuple):
    """What a name may be, what gives it, and in which function or comprehension.

    What is put into something is given to all of its name: `where` is None.
    """

    value: ast.AST
    by: ast.AST
    where: ast.AST | None


class Improver:
    """A program with an `improve_algorithm`.

    Attributes:
        functions: its functions and classes, by name.
        given: what names of variables, attributes and functions stand for.
        asks: its requests of the model.
        scorings: where the utility is called, or handed to something that calls it.

    Raises: SyntaxError, ValueError, RecursionError or MemoryError, as `ast.parse` does.
    """

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self.nodes = list(ast.walk(self.tree))
        self.parent = {one: node for node in self.nodes for one in ast.iter_child_nodes(node)}
        named = (ast.FunctionDef, ast.ClassDef)
        self.functions = {one.name: one for one in self.nodes if isinstance(one, named)}
        self.given: defaultdict[str, list[Given]] = defaultdict(list)
        for node in self.nodes:
            where = self._where(node)
            for name, value in self._gives(node):
                self.given[name].append(Given(value, node, where))
        self._made: dict[ast.AST, set[ast.AST]] = {}
        entry = self.functions.get(ENTRY)
        parameters = entry.args.args if isinstance(entry, ast.FunctionDef) else []
        marks = [self._aliases(one.arg) for one in parameters[1:3]]
        utility, model = marks if len(marks) == 2 else (set(), set())
        calls = [one for one in self.nodes if isinstance(one, ast.Call)]
        self.asks = [one for one in calls if self._is_ask(one, model)]
        self.scorings = {one for node in self.nodes for one in self._scoring(node, utility)}
        self._ends = {*self.asks, *self.scorings}

    # --- what names are given --------------------------------------------------------------------

    def _where(self, node: ast.AST) -> Any:
        match node:
            case ast.Call() if name_of(node) in self.functions:
                return self.functions[name_of(node)]
            case ast.Call() | ast.Delete() | ast.Assign(targets=[ast.Subscript()]):
                return None
            case ast.comprehension():
                return self.parent[node]
        return self.function(node)

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
                yield _root(base), target
            case ast.FunctionDef():
                inner = (one for one in ast.walk(node) if isinstance(one, (ast.Return, ast.Yield)))
                yield from ((node.name, one.value) for one in inner if one.value is not None)
            case ast.Call(func=function, args=arguments):
                own = self.functions.get(name_of(node))
                if own is not None:
                    named = (one for one in node.keywords if one.arg)
                    yield from zip(_parameters(own), arguments, strict=False)
                    yield from ((one.arg, one.value) for one in named if one.arg)
                elif name_of(node) == "heappush":
                    yield from ((_root(arguments[0]), one) for one in arguments[1:])
                elif isinstance(function, ast.Attribute) and name_of(node) in _PUTS_IN:
                    yield from ((_root(function.value), one) for one in arguments)
                elif isinstance(function, ast.Attribute) and name_of(node) == "sort":
                    yield _root(function.value), node

    def made_of(self, node: ast.AST) -> set[ast.AST]:
        """All that an expression's value is made of, as far as requests and scorings.

        Statements that give what it is made of are in it, too.
        """
        if node not in self._made:
            self._made[node] = self.reach(node, lambda _: False)
        return self._made[node]

    def reach(self, start: ast.AST, ends: Callable[[ast.AST], object]) -> set[ast.AST]:
        """The same; nodes that are an end are not looked into, nor is what they give."""
        found: set[ast.AST] = set()
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node in found:
                continue
            found.add(node)
            if node is not start and (node in self._ends or ends(node)):
                continue
            match node:
                case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load()):
                    given = self._given_here(node)
                    found.update(one.by for one in given if not isinstance(one.by, ast.Call))
                    waiting += [one.value for one in given if not ends(one.by)]
                    waiting += [node.value] if isinstance(node, ast.Attribute) else []
                case ast.Call(func=function) if name_of(node) in self.functions:
                    waiting.append(function)
                    if isinstance(self.functions[name_of(node)], ast.ClassDef):
                        waiting += [*node.args, *node.keywords]
                        waiting += [one.value for one in self.given["__call__"]]
                case ast.expr() | ast.keyword() | ast.comprehension():
                    waiting += ast.iter_child_nodes(node)
        return found

    def _given_here(self, node: ast.Name | ast.Attribute) -> list[Given]:
        """To a name in the comprehension or function around it, else anywhere."""
        given = self.given[name_of(node)]
        for where in self.around(node) if isinstance(node, ast.Name) else ():
            if any(one.where is where for one in given):
                return [one for one in given if one.where in (where, None)]
        return given

    # --- requests and scorings -------------------------------------------------------------------

    def _aliases(self, name: str) -> set[str]:
        """All names of something that is passed on by name."""
        found = {name}
        for _ in range(4):
            for other, given in self.given.items():
                values = [one.value for one in given if isinstance(one.value, _NAMES)]
                found |= {other} if found & set(map(name_of, values)) else set()
        return found

    def _is_ask(self, call: ast.Call, model: set[str]) -> bool:
        name, base = name_of(call), getattr(call.func, "value", None)
        if base is None or name in self.functions:
            return False
        is_started = name in ("start", "start_batch") and name_of(base) in model
        return is_started or name in ("prompt", "batch_prompt")

    def _scoring(self, node: ast.AST, utility: set[str]) -> Nodes:
        above = self.parent.get(node)
        if not isinstance(node, _NAMES) or name_of(node) not in utility:
            return
        if isinstance(above, ast.Attribute):
            if above.attr in _SCORINGS:
                over = self.parent[above]
                yield over if isinstance(over, ast.Call) else above
        elif isinstance(above, ast.Call) and name_of(above) not in self.functions:
            yield above if above.func is node else node
        elif getattr(above, "arg", "") == "key":
            yield node

    def argument(self, ask: ast.Call, name: str) -> ast.expr | None:
        """What a request is made of: `expertise`, `message` (of a batch, too) or `temperature`."""
        named = [one.value for one in ask.keywords if (one.arg or "").startswith(name)]
        place = _PLACES[name] - (name == "temperature" and "batch" in name_of(ask))
        return [*named, *ask.args[place : place + 1], None][0]

    def has_program(self, *nodes: ast.AST) -> bool:
        """Whether what the model replied is in one of them."""
        return any(not self.made_of(node).isdisjoint(self.asks) for node in nodes)

    def has_score(self, *nodes: ast.AST) -> bool:
        """Whether a score is in one of them, or decided about what is counted in it."""
        return any(not self.made_of(node).isdisjoint(self.scorings) for node in nodes)

    def names_in(self, node: ast.AST) -> set[str]:
        return {name_of(one) for one in self.made_of(node)} - {""}

    def texts(self, node: ast.AST | None) -> str:
        """All texts that it is made of, NUL between them."""
        found = () if node is None else self.made_of(node)
        values = [one.value for one in found if isinstance(one, ast.Constant)]
        return "\0".join(one for one in values if isinstance(one, str))

    # --- when ------------------------------------------------------------------------------------

    def around(self, node: ast.AST) -> Nodes:
        """What a node stands in, up to its function."""
        while node in self.parent and not isinstance(node, ast.FunctionDef):
            node = self.parent[node]
            yield node

    def function(self, node: ast.AST) -> Any:
        """The function around a node, or the whole program."""
        return next(
            (one for one in self.around(node) if isinstance(one, ast.FunctionDef)), self.tree
        )

    def loops(self, node: ast.AST, deep: int = 0) -> list[Any]:
        """Loops in which it runs, comprehensions and loops of its function's callers too."""
        again = (*LOOPS, *_COMPREHENSIONS)
        found: list[Any] = [one for one in self.around(node) if isinstance(one, again)]
        function = self.function(node)
        name = getattr(function, "name", ENTRY)
        for call in self.nodes if deep < 4 and name != ENTRY else ():
            if isinstance(call, ast.Call) and name_of(call) == name:
                is_again = function is self.function(call)
                found += [call] if is_again else self.loops(call, deep + 1)
        return found

    def tests(self, node: ast.AST) -> list[ast.expr]:
        """Conditions under which a statement runs, in its loop: those of the `if`s around it."""
        found = []
        for above in self.around(node):
            if isinstance(above, LOOPS):
                break
            found += [above.test] if isinstance(above, ast.If) else []
        return found

    def changes(self, node: ast.AST) -> bool:
        """Whether it is another in other rounds."""
        parts = self.made_of(node)
        again = [one.value for one in parts if isinstance(one, ast.Assign) and self.loops(one)]
        is_new = any(not isinstance(one, ast.Constant) for one in again)
        return is_new or any(
            isinstance(one, (ast.AugAssign, ast.For, ast.comprehension)) for one in parts
        )

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
        case ast.Starred(value=inner):
            yield from _pairs(inner, value)
        case ast.Subscript(value=base, slice=key):
            yield from ((_root(base), one) for one in (value, key))
        case _:
            yield name_of(target), value


def _root(node: Any) -> str:
    """The name of what an item is taken from, or put into."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return name_of(node)


def _parameters(function: Any) -> list[str]:
    if isinstance(function, ast.ClassDef):
        begun = [one for one in function.body if getattr(one, "name", "") == "__init__"]
        return _parameters(begun[0]) if begun else []
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    return names[names[:1] == ["self"] :]


def name_of(node: Any) -> str:
    """The last name of a name, an attribute, or the function of a call; empty for anything else."""
    node = node.func if isinstance(node, ast.Call) else node
    return getattr(node, "id", "") or getattr(node, "attr", "")
