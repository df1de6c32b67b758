"""The variables of a program: where each gets its values, and from where it is seen.

Flow is followed roughly: of a variable's values those count that an unconditional assignment before
its use has not replaced. A parameter may have its default, and whatever the program calls its
function with.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Binding(NamedTuple):
    """One value that a variable may have.

    Attributes:
        line: the last one of where it is given, 0 for a parameter.
        value: the expression; None if it is not one.
        dotted: what it stands for, where that is known without an expression.
        certain: whether it replaces what the variable had before, whatever happens.
    """

    line: int
    value: ast.expr | None
    dotted: str | None = None
    certain: bool = False


class Scope:
    """The variables of a function, a class or the module."""

    def __init__(self, node: ast.AST, outer: Scope | None) -> None:
        self.node = node
        self.outer = outer
        self.names: defaultdict[str, list[Binding]] = defaultdict(list)
        self.shared: dict[str, Scope] = {}

    def bind(self, name: str, binding: Binding) -> None:
        self.shared.get(name, self).names[name].append(binding)

    def owner(self, name: str) -> Scope | None:
        """The scope in which a name is found from here."""
        scope: Scope | None = self.shared.get(name, self)
        while scope is not None:
            # A class's variables are not seen from the functions in it.
            inside = scope is self or not isinstance(scope.node, ast.ClassDef)
            if inside and name in scope.names:
                return scope
            scope = scope.outer
        return None


class Scopes:
    """The scopes of one program.

    Attributes:
        scope_of: the scope in which each node stands.
        attributes: what is assigned to attributes of this name, with the class of the program
            whose objects have it, or None where that cannot be told.
        items: likewise to items of dicts under this key.
        functions: the functions and methods that the program defines, by name.
    """

    def __init__(self, tree: ast.Module, marked: Mapping[str, Mapping[int, str]]) -> None:
        """`marked`: of functions by name, what their arguments are, by place."""
        self.scope_of: dict[ast.AST, Scope] = {}
        self.attributes: defaultdict[str, list[tuple[str | None, ast.expr]]] = defaultdict(list)
        self.items: defaultdict[str, list[ast.expr]] = defaultdict(list)
        self.functions: defaultdict[str, list[Function]] = defaultdict(list)
        self._inside: dict[Function, Scope] = {}
        self._parameters: dict[Function, list[str]] = {}
        self._fields: dict[str, list[str]] = {}
        self._marked = marked
        self.module = Scope(tree, None)
        for statement in tree.body:
            self._visit(statement, self.module, certain=True)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                self._bind_arguments(node)

    # --- what stands where ----------------------------------------------------------------------

    def _visit(self, node: ast.AST, scope: Scope, *, certain: bool = False) -> None:
        self.scope_of[node] = scope
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name, dotted in _imported(node):
                scope.bind(name, Binding(node.lineno, None, dotted, certain))
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            for name in node.names:
                outer = scope.outer and scope.outer.owner(name)
                is_global = isinstance(node, ast.Global)
                scope.shared[name] = self.module if is_global or outer is None else outer
        elif isinstance(node, ast.ClassDef):
            scope.bind(node.name, Binding(node.lineno, None, f"local.{node.name}", certain))
            inside = Scope(node, scope)
            annotated = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
            self._fields[node.name] = [one.id for one in annotated if isinstance(one, ast.Name)]
            for part in (*node.decorator_list, *node.bases, *node.keywords):
                self._visit(part, scope)
            for statement in node.body:
                self._visit(statement, inside, certain=True)
            for name, bindings in inside.names.items():
                values = (one.value for one in bindings if one.value is not None)
                self.attributes[name] += [(node.name, value) for value in values]
            return
        elif isinstance(node, FUNCTIONS):
            self._visit_function(node, scope, certain)
            return
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
            self._assign(node, scope, certain)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            self._bind_each(node.target, elements(node.iter), scope)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None:
                    self._bind_target(item.optional_vars, item.context_expr, scope, False)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            scope.bind(node.name, Binding(node.lineno, None))
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    self.items[key.value].append(value)
        elif isinstance(node, ast.keyword) and node.arg:
            self.items[node.arg].append(node.value)
        for child in ast.iter_child_nodes(node):
            self._visit(child, scope)

    def _visit_function(self, node: Function, scope: Scope, certain: bool) -> None:
        inside = Scope(node, scope)
        self._inside[node] = inside
        arguments = node.args
        listed = [*arguments.posonlyargs, *arguments.args]
        self._parameters[node] = [one.arg for one in listed]
        marks: Mapping[int, str] = {}
        if not isinstance(node, ast.Lambda):
            scope.bind(node.name, Binding(node.lineno, None, f"local.{node.name}", certain))
            self.functions[node.name].append(node)
            if scope is self.module:
                marks = self._marked.get(node.name, {})
            if listed and isinstance(scope.node, ast.ClassDef) and not node.decorator_list:
                marks = {0: f"local.{scope.node.name}()"}
        for place, one in enumerate(listed):
            inside.bind(one.arg, Binding(0, None, marks.get(place)))
        others = [*arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        for other in others:
            if other is not None:
                inside.bind(other.arg, Binding(0, None))
        for name, default in defaults(arguments):
            inside.bind(name, Binding(0, default))
        for part in (*arguments.defaults, *arguments.kw_defaults):
            if part is not None:
                self._visit(part, scope)
        if isinstance(node, ast.Lambda):
            self._visit(node.body, inside)
            return
        for decorator in node.decorator_list:
            self._visit(decorator, scope)
        for statement in node.body:
            self._visit(statement, inside, certain=True)

    def _assign(
        self,
        node: ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr,
        scope: Scope,
        certain: bool,
    ) -> None:
        if isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name):
                scope.bind(node.target.id, Binding(node.lineno, None))
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is not None:
            for target in targets:
                self._bind_target(target, node.value, scope, certain)

    def _bind_each(self, target: ast.expr, values: list[ast.expr], scope: Scope) -> None:
        for value in values:
            self._bind_target(target, value, scope, False)
        if not values:
            self._bind_target(target, None, scope, False)

    def _bind_target(
        self, target: ast.expr, value: ast.expr | None, scope: Scope, certain: bool
    ) -> None:
        match target:
            case ast.Name():
                line = (value or target).end_lineno or target.lineno
                scope.bind(target.id, Binding(line, value, None, certain))
            case ast.Tuple() | ast.List():
                values = [] if value is None else elements(value)
                parts: list[ast.expr | None] = [None] * len(target.elts)
                if len(values) == len(parts):
                    parts = list(values)
                for one, part in zip(target.elts, parts, strict=True):
                    self._bind_target(one, part, scope, certain)
            case ast.Starred():
                self._bind_target(target.value, None, scope, certain)
            case ast.Attribute() if value is not None:
                self.attributes[target.attr].append((self._class_of(target.value, scope), value))
            case ast.Subscript(slice=ast.Constant(value=str(key))) if value is not None:
                self.items[key].append(value)

    def _class_of(self, node: ast.expr, scope: Scope) -> str | None:
        """The class whose object `self` is, in its methods."""
        owner = scope.owner(node.id) if isinstance(node, ast.Name) else None
        if owner is None or owner.outer is None or not isinstance(node, ast.Name):
            return None
        first = next(iter(owner.names), None)
        of_class = isinstance(owner.outer.node, ast.ClassDef) and first == node.id
        return owner.outer.node.name if of_class else None  # type: ignore[attr-defined]

    def _bind_arguments(self, call: ast.Call) -> None:
        """What a function of the program's own is called with, its parameters may stand for."""
        for function, skipped in self._called(call):
            inside = self._inside[function]
            names = self._parameters[function][skipped:]
            for name, argument in zip(names, call.args, strict=False):
                if isinstance(argument, ast.Starred):
                    break
                inside.bind(name, Binding(0, argument))
            for keyword in call.keywords:
                if keyword.arg is not None and keyword.arg in inside.names:
                    inside.bind(keyword.arg, Binding(0, keyword.value))
        if isinstance(call.func, ast.Name) and call.func.id in self._fields:  # a dataclass
            fields = self._fields[call.func.id]
            given = [*zip(fields, call.args, strict=False)]
            given += [(word.arg, word.value) for word in call.keywords if word.arg]
            for name, argument in given:
                self.attributes[name].append((call.func.id, argument))

    def _called(self, call: ast.Call) -> Iterator[tuple[Function, int]]:
        """Functions that a call may reach, and how many parameters are filled already."""
        match call.func:
            case ast.Name(id=name):
                for function in self.functions.get(name, ()):
                    yield function, 0
                for initialiser in self._initialisers(name):
                    yield initialiser, 1
            case ast.Attribute(attr=name):
                for function in self.functions.get(name, ()):
                    yield function, int(isinstance(self.scope_of[function].node, ast.ClassDef))

    def _initialisers(self, class_name: str) -> Iterator[Function]:
        for function in self.functions.get("__init__", ()):
            if getattr(self.scope_of[function].node, "name", None) == class_name:
                yield function

    def bindings(self, node: ast.Name) -> list[Binding] | None:
        """The values that a variable may have here; None if the program does not give it any."""
        scope = self.scope_of.get(node)
        owner = scope.owner(node.id) if scope is not None else None
        if owner is None:
            return None
        found = owner.names[node.id]
        # Seen from a function inside, a variable has what it has in the end.
        here = node.lineno if owner is scope else 1 << 60
        last = max((one.line for one in found if one.certain and one.line < here), default=0)
        # What is given further down, but not for certain, may be given in a loop around both.
        seen = (one for one in found if one.line < here or not one.certain)
        return [one for one in seen if one.line >= last] or found


def defaults(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr]]:
    """Parameters that have a default, and it."""
    listed = [*arguments.posonlyargs, *arguments.args]
    with_default = listed[len(listed) - len(arguments.defaults) :]
    for one, value in zip(with_default, arguments.defaults, strict=True):
        yield one.arg, value
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is not None:
            yield one.arg, default


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Names that an import binds, and what they stand for."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, f"{node.module or ''}.{alias.name}"
        elif alias.asname:
            yield alias.asname, alias.name
        else:
            top = alias.name.partition(".")[0]
            yield top, top


def elements(node: ast.expr) -> list[ast.expr]:
    """The items of a literal list; empty for anything else."""
    return node.elts if isinstance(node, (ast.Tuple, ast.List, ast.Set)) else []
