"""What the names of a program stand for, as far as its text tells; none of it is run."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import Any, TypeAlias

_DEEPEST, _MOST = 40, 16
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Module)
# How an improver is called: improve_algorithm(initial_solution, utility, language_model).
_ENTRY, _GIVEN = "improve_algorithm", ("?", "<utility>", "<language_model>")
IMPORTS = ("__import__", "importlib.import_module")

Value: TypeAlias = ast.AST | str  # an expression, or what it stands for


class Named:
    """A program's tree, and what its names stand for.

    `os.system`, `exec`, `local.f` for what it defines, `<utility>` for what its entry is given; `?`
    where its text does not tell. A name may have any value that is given to it in its scope.
    """

    def __init__(self, source: str) -> None:
        self._tree = ast.parse(source, "program")
        self.nodes = list(ast.walk(self._tree))
        self._scopes: dict[ast.AST, ast.AST] = {self._tree: self._tree}
        self._given: defaultdict[tuple[ast.AST, str], list[Value]] = defaultdict(list)
        self._attributes: defaultdict[str, list[Value]] = defaultdict(list)
        self._functions: defaultdict[str, list[Any]] = defaultdict(list)
        self._known: dict[tuple[Any, ast.AST], frozenset[str]] = {}
        for node in self.nodes:  # a node comes after the one that it stands in
            inner = node if isinstance(node, _SCOPES) else self._scopes[node]
            self._scopes |= dict.fromkeys(ast.iter_child_nodes(node), inner)
            self._give(node)
        for node in self.nodes:
            if isinstance(node, ast.Call):
                self._give_arguments(node)

    # --- what is given to names ------------------------------------------------------------------

    def _give(self, node: Any) -> None:
        scope = self._scopes[node]
        match node:
            case ast.Import() | ast.ImportFrom():
                for one in node.names:
                    name = one.name if one.asname else one.name.partition(".")[0]
                    module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                    self._given[scope, one.asname or name].append(f"{module}{name}")
            case ast.ClassDef(name=name):
                self._given[scope, name].append(f"local.{name}")
                made = [one for one in node.body if getattr(one, "name", "") == "__init__"]
                self._functions[name] += made
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._give_parameters(node)
            case ast.Assign():
                for target in node.targets:
                    self._target(target, node.value, scope)
            case ast.AnnAssign() | ast.NamedExpr() | ast.AugAssign():
                self._target(node.target, node.value or "?", scope)
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                for value in getattr(node.iter, "elts", "?"):
                    self._target(node.target, value, scope)
            case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
                self._target(target, value, scope)

    def _give_parameters(self, function: Any) -> None:
        outer, name = self._scopes[function], getattr(function, "name", "")
        if name:
            self._given[outer, name].append(f"local.{name}")
            self._functions[name].append(function)
        marks = _GIVEN if name == _ENTRY and outer is self._tree else ()
        for place, parameter in enumerate(_parameters(function)):
            self._given[function, parameter] += marks[place : place + 1]
        listed = function.args
        named = [*listed.posonlyargs, *listed.args]
        of_last = zip(reversed(named), reversed(listed.defaults), strict=False)
        of_named = zip(listed.kwonlyargs, listed.kw_defaults, strict=True)
        for one, value in (*of_last, *of_named):
            self._given[function, one.arg] += [value] if value else []

    def _target(self, target: ast.AST, value: Value, scope: ast.AST) -> None:
        match target:
            case ast.Name(id=name):
                self._given[scope, name].append(value)
            case ast.Attribute(attr=name):
                self._attributes[name].append(value)
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                parts = getattr(value, "elts", ())
                parts = parts if len(parts) == len(targets) else "?" * len(targets)
                for one, part in zip(targets, parts, strict=True):
                    self._target(one, part, scope)

    def _give_arguments(self, call: ast.Call) -> None:
        """What a function of the program's own is called with, its parameters may stand for."""
        name = getattr(call.func, "id", "") or getattr(call.func, "attr", "")
        for function in self._functions.get(name, ()):
            names = _parameters(function)[isinstance(self._scopes[function], ast.ClassDef) :]
            pairs = [*zip(names, call.args, strict=False)]
            for parameter, value in pairs + [(w.arg, w.value) for w in call.keywords]:
                if parameter in names:
                    self._given[function, parameter].append(value)

    def values(self, node: ast.Name) -> list[Value] | None:
        """What a name may have; None if the program gives it nothing."""
        scope = here = self._scopes[node]
        while True:
            # A class's variables are not seen from the functions in it.
            seen = scope is here or not isinstance(scope, ast.ClassDef)
            if seen and (scope, node.id) in self._given:
                return self._given[scope, node.id]
            if scope is self._tree:
                return None
            scope = self._scopes[scope]

    # --- what expressions stand for --------------------------------------------------------------

    def names(self, node: Value, deep: int = 0) -> frozenset[str]:
        """All that an expression may stand for."""
        own = frozenset([node] if isinstance(node, str) else ())
        return own or self._found(self._find_names, node, deep) or frozenset("?")

    def texts(self, node: Value | None, deep: int = 0) -> frozenset[str]:
        """The strings that an expression may come to, as far as they can be told."""
        return self._found(self._find_texts, node, deep)

    def _found(self, find: Any, node: Any, deep: int) -> frozenset[str]:
        if not isinstance(node, ast.AST) or deep > _DEEPEST:
            return frozenset()
        if (find, node) not in self._known:
            self._known[find, node] = frozenset()  # for what is defined by itself
            self._known[find, node] = frozenset(sorted(find(node, deep + 1))[:_MOST])
        return self._known[find, node]

    def _find_names(self, node: ast.AST, deep: int) -> set[str] | frozenset[str]:
        parts: list[Value] = []
        match node:
            case ast.Name(id=name):
                values = self.values(node)
                if values is None:
                    return {name}
                parts = values
            case ast.Attribute(value=base, attr=name):
                bases = self.names(base, deep)
                stored = () if all(map(is_known, bases)) else self._attributes.get(name, ())
                found = {_joined(one, name) for one in bases if is_known(one)}
                return found.union(*(self.names(one, deep) for one in stored))
            case ast.Call(func=function, args=[first, *others]):
                for called in self.names(function, deep):
                    if called in IMPORTS:
                        return self.texts(first, deep)
                    if called in ("getattr", "type", "vars"):
                        own = {"type": "__class__", "vars": "__dict__"}.get(called)
                        names = {own} if own else self.texts(others[0] if others else None, deep)
                        known = filter(is_known, self.names(first, deep))
                        return {_joined(one, name) for one in known for name in names}
            case ast.IfExp() | ast.BoolOp() | ast.NamedExpr() | ast.Await() | ast.Starred():
                parts = [*ast.iter_child_nodes(node)]
        return {name for part in parts for name in self.names(part, deep)}

    def _find_texts(self, node: ast.AST, deep: int) -> set[str]:
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return {a + b for a in self.texts(left, deep) for b in self.texts(right, deep)}
            case ast.Name():
                values = self.values(node) or ()
                return {text for value in values for text in self.texts(value, deep)}
        return set()


def _parameters(function: Any) -> list[str]:
    arguments = function.args
    listed = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return [one.arg for one in (*listed, arguments.vararg, arguments.kwarg) if one is not None]


def is_known(name: str) -> bool:
    return name != "?" and not name.startswith("local.")


def _joined(base: str, name: str) -> str:
    return name if base == "builtins" else f"{base}.{name}"
