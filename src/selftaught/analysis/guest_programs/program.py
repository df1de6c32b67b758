"""What the rules over programs stand on: the values of a program's names, none of it run.

In a guest, since a program's text is hostile. A name may have any value that is given to it and
that no later assignment before its use replaces.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Module)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
_PUTS_IN = frozenset(
    ("append", "appendleft", "add", "update", "extend", "insert", "setdefault", "sort", "put")
)
UTILITY, MODEL = "<utility>", "<language_model>"
# How an improver is called: improve_algorithm(initial_solution, utility, language_model).
ENTRY = "improve_algorithm"
_MARKED = {1: UTILITY, 2: MODEL}


class Given(NamedTuple):
    """One value that a variable, an attribute or an item is given.

    Attributes:
        value: the expression; None if it is not one.
        by: the statement that gives it, the call for a parameter, or the parameter itself.
        dotted: what it stands for, where that is known without an expression.
        inside: whether it is put into what the variable holds, and not in its place.
    """

    value: ast.AST | None
    by: ast.AST
    dotted: str | None = None
    inside: bool = False


class Program:
    """A program's tree, and what is given to its names, attributes and items.

    Raises: SyntaxError, ValueError, RecursionError or MemoryError, as `ast.parse` does.
    """

    def __init__(self, source: str) -> None:
        self.tree = ast.parse(source)
        self.lines = source.splitlines()
        self.nodes = list(ast.walk(self.tree))
        self.parent = {one: node for node in self.nodes for one in ast.iter_child_nodes(node)}
        self.attributes: defaultdict[str, list[Given]] = defaultdict(list)
        self.items: defaultdict[str, list[ast.expr]] = defaultdict(list)
        self.functions: defaultdict[str, list[Any]] = defaultdict(list)
        self.calls_of: defaultdict[str, list[ast.Call]] = defaultdict(list)
        self._given: defaultdict[tuple[ast.AST, str], list[Given]] = defaultdict(list)
        self._shared: dict[tuple[ast.AST, str], ast.AST] = {}
        self._scopes: dict[ast.AST, ast.AST] = {self.tree: self.tree}
        for node in self.nodes:  # a node comes after the one that it stands in
            inner = node if isinstance(node, SCOPES) else self._scopes[node]
            self._scopes |= dict.fromkeys(ast.iter_child_nodes(node), inner)
        for node in self.nodes:
            if isinstance(node, ast.Global):
                self._shared |= {(self.scope(node), name): self.tree for name in node.names}
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.functions[node.name].append(node)
        for node in self.nodes:
            self._give(node)
        for node in self.nodes:
            if isinstance(node, ast.Call):
                self.calls_of[name_of(node)].append(node)
                self._give_arguments(node)

    def scope(self, node: ast.AST) -> ast.AST:
        """The function, class or module around a node."""
        return self._scopes[node]

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """What a node stands in, up to its function."""
        while node in self.parent and not isinstance(node, FUNCTIONS):
            node = self.parent[node]
            yield node

    def _give(self, node: ast.AST) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    name, dotted = alias.asname or alias.name, alias.name
                    if isinstance(node, ast.ImportFrom):
                        dotted = f"{node.module or ''}.{alias.name}"
                    elif not alias.asname:
                        name = dotted = alias.name.partition(".")[0]
                    self._bind(name, Given(None, node, dotted))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self._bind(name, Given(None, node, f"local.{name}"))
                self._give_parameters(node)
            case ast.ClassDef(name=name):
                self._bind(name, Given(None, node, f"local.{name}"))
            case ast.Lambda():
                self._give_parameters(node)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._target(target, value, node)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._target(target, value, node)
            case ast.NamedExpr(target=target, value=value):
                self._target(target, value, node)
            case ast.AugAssign(target=target, value=value):
                self._put(target, value, node)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                self._each(node.target, node.iter, node)
            case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
                self._target(target, value, node)
            case ast.ExceptHandler(name=str(name)):
                self._bind(name, Given(None, node))
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Subscript):
                        self._put(target, target, node)
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        self.items[key.value].append(value)
            case ast.keyword(arg=str(name), value=value):
                self.items[name].append(value)
            case ast.Call(func=ast.Attribute(value=base, attr=name)) if name in _PUTS_IN:
                values = [node] if name == "sort" else node.args
                for value in values:
                    self._put(base, value, node)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[base, value]):
                if name == "heappush":
                    self._put(base, value, node)

    def _bind(self, name: str, given: Given, scope: ast.AST | None = None) -> None:
        scope = scope or self.scope(given.by)
        self._given[self._shared.get((scope, name), scope), name].append(given)
        if isinstance(scope, ast.ClassDef) and given.value is not None:
            self.attributes[name].append(given)

    def _give_parameters(self, node: Any) -> None:
        arguments, outer = node.args, self.scope(node)
        listed = [*arguments.posonlyargs, *arguments.args]
        marks: Mapping[int, str] = {}
        if getattr(node, "name", "") == ENTRY and outer is self.tree:
            marks = _MARKED
        elif isinstance(outer, ast.ClassDef) and not getattr(node, "decorator_list", ()):
            marks = {0: f"local.{outer.name}()"}
        for place, one in enumerate(listed):
            self._bind(one.arg, Given(None, one, marks.get(place)), node)
        for other in (*arguments.kwonlyargs, arguments.vararg, arguments.kwarg):
            if other is not None:
                self._bind(other.arg, Given(None, other), node)
        for name, value in defaults(arguments):
            self._bind(name, Given(value, arguments), node)

    def _give_arguments(self, call: ast.Call) -> None:
        """What a function of the program's own is called with, its parameters may stand for."""
        for function, skipped in self.called(call):
            if isinstance(function, ast.ClassDef):
                named = [one.target for one in function.body if isinstance(one, ast.AnnAssign)]
                fields = [one.id for one in named if isinstance(one, ast.Name)]
                pairs = [*zip(fields, call.args, strict=False)]
                for name, value in pairs + [(w.arg, w.value) for w in call.keywords if w.arg]:
                    self.attributes[name].append(Given(value, call))
                continue
            names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
            for name, value in zip(names[skipped:], call.args, strict=False):
                if isinstance(value, ast.Starred):
                    break
                self._bind(name, Given(value, call), function)
            for word in call.keywords:
                if word.arg is not None and (function, word.arg) in self._given:
                    self._bind(word.arg, Given(word.value, call), function)

    def called(self, call: ast.Call) -> list[tuple[Any, int]]:
        """Functions and classes that a call may reach, and how many parameters are filled."""
        match call.func:
            case ast.Name(id=name):
                found = [(one, 0) for one in self.functions.get(name, ())]
                made = {one for one, _ in found if isinstance(one, ast.ClassDef)}
                begun = self.functions.get("__init__", ()) if made else ()
                return found + [(one, 1) for one in begun if self.scope(one) in made]
            case ast.Attribute(attr=name):
                functions = self.functions.get(name, ())
                return [(one, int(isinstance(self.scope(one), ast.ClassDef))) for one in functions]
        return []

    def _target(self, target: ast.AST, value: ast.AST | None, by: ast.AST) -> None:
        match target:
            case ast.Name(id=name):
                self._bind(name, Given(value, by))
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                parts: list[Any] = [value] * len(targets)
                if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(targets):
                    parts = value.elts
                for one, part in zip(targets, parts, strict=True):
                    self._target(one, part, by)
            case ast.Starred(value=inner):
                self._target(inner, value, by)
            case ast.Attribute(attr=name):
                self.attributes[name].append(Given(value, by))
            case ast.Subscript(slice=key):
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and value:
                    self.items[key.value].append(value)  # type: ignore[arg-type]
                self._put(target, value, by)

    def _each(self, target: ast.AST, values: ast.expr, by: ast.AST) -> None:
        """What a loop gives: the items of a literal, of `zip` one by one, else of the whole."""
        match values, target:
            case ((ast.Tuple(elts=[_, *_]) | ast.List(elts=[_, *_])), _):
                for value in values.elts:
                    self._target(target, value, by)
            case ast.Call(func=ast.Name(id="zip"), args=parts), ast.Tuple(elts=targets):
                for one, part in zip(targets, parts, strict=False):
                    self._target(one, part, by)
            case ast.Call(func=ast.Name(id="enumerate"), args=[part, *_]), ast.Tuple(elts=[n, one]):
                self._target(n, None, by)
                self._target(one, part, by)
            case _:
                self._target(target, values, by)

    def _put(self, base: ast.AST, value: ast.AST | None, by: ast.AST) -> None:
        """Something goes into what a variable or an attribute holds, under a key that does, too."""
        values = [value]
        while isinstance(base, (ast.Subscript, ast.Call)):
            if isinstance(base, ast.Subscript) and isinstance(base.slice, ast.Name):
                values.append(base.slice)
            base = base.value if isinstance(base, ast.Subscript) else base.func
            if isinstance(base, ast.Attribute) and base.attr in (*_PUTS_IN, "get"):
                base = base.value
        for one in values:
            given = Given(one, by, None, inside=True)
            if isinstance(base, ast.Name):
                self._bind(base.id, given, self._owner(base) or self.scope(by))
            elif isinstance(base, ast.Attribute):
                self.attributes[base.attr].append(given)

    def _owner(self, node: ast.Name) -> ast.AST | None:
        """The scope in which a name is found from here."""
        scope = here = self._shared.get((self.scope(node), node.id), self.scope(node))
        while True:
            # A class's variables are not seen from the functions in it.
            seen = scope is here or not isinstance(scope, ast.ClassDef)
            if seen and (scope, node.id) in self._given:
                return scope
            if scope is self.tree:
                return None
            scope = self.scope(scope)

    def given(self, node: ast.AST) -> list[Given] | None:
        """What a name or an attribute may have here; None if the program gives it nothing."""
        if isinstance(node, ast.Attribute):
            return self.attributes.get(node.attr)
        owner = self._owner(node) if isinstance(node, ast.Name) else None
        if owner is None or not isinstance(node, ast.Name):
            return None
        found = self._given[owner, node.id]
        if owner is not self.scope(node):
            return found
        around = {node, *self.around(node)}
        lists = {id(self.list_of(one)) for one in around if isinstance(one, ast.stmt)}
        sure = [one for one in found if not one.inside and id(self.list_of(one.by)) in lists]
        ends = [_lines(one)[1] for one in sure if _lines(one)[1] < node.lineno]
        last = max(ends, default=0)

        def is_seen(one: Given) -> bool:
            if one.inside or last <= _lines(one)[1] < node.lineno:
                return True
            # What is given further down is seen where a loop is around both.
            return any(isinstance(loop, LOOPS) and loop in around for loop in self.around(one.by))

        return [one for one in found if is_seen(one)] or found

    def list_of(self, node: ast.AST) -> list[ast.stmt]:
        """The list of statements in which a statement stands; empty for anything else."""
        above = self.parent.get(node, node)
        lists = (getattr(above, name, None) for name in ("body", "orelse", "finalbody"))
        return next((one for one in lists if isinstance(one, list) and node in one), [])


def name_of(node: ast.AST | None) -> str:
    """The last name of a name, an attribute, or the function of a call; empty for anything else."""
    node = node.func if isinstance(node, ast.Call) else node
    return getattr(node, "id", "") or getattr(node, "attr", "")


def _lines(given: Given) -> tuple[int, int]:
    """The first and the last line of what gives a value; what calls give is there before."""
    if isinstance(given.by, (ast.Call, ast.arg, ast.arguments)):
        return 0, 0
    node = given.by if hasattr(given.by, "lineno") else given.value
    return getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)


def defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    """Parameters that have a default, and it."""
    listed = [*arguments.posonlyargs, *arguments.args]
    with_default = listed[len(listed) - len(arguments.defaults) :]
    yield from (
        (one.arg, value) for one, value in zip(with_default, arguments.defaults, strict=True)
    )
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            yield one.arg, default
