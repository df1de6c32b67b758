"""A program being edited: its tree, the places in it, and what may stand in each."""

from __future__ import annotations

import ast
import copy
import random
import re

MAX_MOVED_NODES = 60

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
WITH_PARAMETERS = (*FUNCTIONS, ast.Lambda)
COMPUTING = (ast.BinOp, ast.Assign, ast.AugAssign, ast.UnaryOp, ast.Compare)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
DECLARATIONS = (ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "type_params", "ctx", "op", "ops"}
# Fields in the order in which Python evaluates them, where the tree has another one.
FIELD_ORDER: dict[type[ast.AST], tuple[str, ...]] = {
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp), ("generators", "elt")),
    ast.DictComp: ("generators", "key", "value"),
    ast.comprehension: ("iter", "target", "ifs"),
    ast.For: ("iter", "target", "body", "orelse"),
    ast.Assign: ("value", "targets"),
    ast.NamedExpr: ("value", "target"),
}

SAFE_BUILTINS = set(
    re.findall(
        r"\w+",
        "abs all any bool dict enumerate float int len list map max min range reversed round set"
        " sorted str sum tuple zip",
    )
)


class Site:
    """A place in a tree that holds a node, with the names that are bound when it is reached."""

    __slots__ = ("_bound", "_scope", "field", "function", "index", "node", "parent")

    def __init__(
        self,
        parent: ast.AST,
        field: str,
        index: int | None,
        scope: list[str],
        function: ast.AST | None,
    ) -> None:
        value = getattr(parent, field)
        self.node: ast.AST = value if index is None else value[index]
        self.parent, self.field, self.index, self.function = parent, field, index, function
        self._scope, self._bound = scope, len(scope)

    @property
    def role(self) -> str:
        return role_of(self.parent, self.field)

    def names(self) -> list[str]:
        return list(dict.fromkeys(self._scope[: self._bound]))

    def put(self, *nodes: ast.AST) -> bool:
        """Replace the node, a statement possibly by several; True, for the operators to return."""
        if self.index is None:
            setattr(self.parent, self.field, nodes[0])
        else:
            getattr(self.parent, self.field)[self.index : self.index + 1] = nodes
        return True


class Draft:
    """A program being edited: its tree and the sites in it."""

    def __init__(
        self, tree: ast.Module, rng: random.Random, temperature: float, donors: list[Draft]
    ) -> None:
        self.tree, self.rng, self.temperature, self.donors = tree, rng, temperature, donors
        self.expressions: list[Site] = []
        self.statements: list[Site] = []
        self.arithmetic: set[str] = set()  # names used as numbers are
        self.callables = module_names(tree)
        self._visit(tree, [], None)

    def _visit(self, node: ast.AST, scope: list[str], function: ast.AST | None) -> None:
        fields = FIELD_ORDER.get(type(node), node._fields)
        if isinstance(node, WITH_PARAMETERS):
            self._visit(node.args, scope, function)  # defaults see what is around the function
            scope, fields = [*scope, *parameters(node.args)], ("body",)
            function = node if isinstance(node, FUNCTIONS) else None
        elif isinstance(node, COMPREHENSIONS):
            scope = list(scope)
        elif isinstance(node, COMPUTING):
            self.arithmetic.update(numeric_names(node))
        for field in fields:
            value = None if field in SKIPPED_FIELDS else getattr(node, field, None)
            if isinstance(value, ast.AST):
                self._enter(Site(node, field, None, scope, function), scope)
            elif isinstance(value, list):
                for index, child in enumerate(value):
                    if isinstance(child, ast.AST):
                        self._enter(Site(node, field, index, scope, function), scope)

    def _enter(self, site: Site, scope: list[str]) -> None:
        node = site.node
        if isinstance(node, ast.expr):
            if isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del)):
                if isinstance(node, ast.Name):
                    scope.append(node.id)
            elif not isinstance(node, (ast.Starred, ast.Slice)):
                self.expressions.append(site)
            # What stands in an f-string is part of a prompt, and stays as it is.
            if isinstance(node, (ast.Name, ast.Constant, ast.JoinedStr)):
                return
        elif isinstance(node, ast.stmt):
            if is_docstring(node) or isinstance(node, DECLARATIONS):
                return
            if not isinstance(node, DEFINITIONS):
                self.statements.append(site)
        self._visit(node, scope, site.function)

    def visible(self, site: Site) -> set[str]:
        return {*site.names(), *self.callables, *SAFE_BUILTINS}

    def shuffled(self, sites: list[Site]) -> list[Site]:
        return self.rng.sample(sites, len(sites))

    def kind(self, site: Site) -> str:
        """The kind of the node, with what its neighbours say of a name or a call."""
        kind, node = kind_of(site.node), site.node
        if kind == "any" and site.role in ("value", "index"):
            used = isinstance(node, ast.Name) and node.id in self.arithmetic
            if used or isinstance(site.parent, (ast.BinOp, ast.UnaryOp)):
                return "number"
        return kind

    def numeric_sites(self) -> list[Site]:
        return [s for s in self.expressions if s.role == "value" and self.kind(s) == "number"]


def module_names(tree: ast.Module) -> set[str]:
    """Functions, classes and imports: names that are not values to compute with."""
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    return names


def parameters(args: ast.arguments) -> list[str]:
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    return [arg.arg for arg in every if arg is not None]


def numeric_names(node: ast.AST) -> set[str]:
    """The names that a statement or an operation shows to be numbers, or arrays of them."""
    if isinstance(node, ast.Assign):
        names = node.targets if kind_of(node.value) == "number" else []
        return {name.id for name in names if isinstance(name, ast.Name)}
    ordered = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    if isinstance(node, ast.Compare) and not isinstance(node.ops[0], ordered):
        return set()
    if kind_of(node) == "text" or isinstance(getattr(node, "op", None), ast.Not):
        return set()
    return {child.id for child in ast.iter_child_nodes(node) if isinstance(child, ast.Name)}


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and kind_of(node.value) == "text"


def role_of(parent: ast.AST, field: str) -> str:
    """What a place wants; nodes move only between places of one role."""
    if isinstance(parent, ast.Attribute):
        return "." + parent.attr
    if isinstance(parent, ast.Call):
        if field == "func":
            return f"call of {len(parent.args)} {[k.arg for k in parent.keywords]}"
        return "index" if getattr(parent.func, "id", "") == "range" else "value"
    if isinstance(parent, ast.keyword):
        return "key" if parent.arg == "key" else "value"
    if isinstance(parent, ast.Compare) and isinstance(parent.ops[0], (ast.Is, ast.IsNot)):
        return "identity"  # `x is None`: a number there would be a mistake
    if isinstance(parent, (ast.Subscript, ast.Slice)):
        return "sequence" if field == "value" else "index"
    return "iterable" if field == "iter" or isinstance(parent, ast.Starred) else "value"


def kind_of(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool):
            return "truth"
        if isinstance(value, (int, float)):
            return "number"
        return "text" if isinstance(value, (str, bytes)) else "any"
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        right = node.right if isinstance(node, ast.BinOp) else node.value
        left = node.left if isinstance(node, ast.BinOp) else node.target
        return "text" if "text" in (kind_of(left), kind_of(right)) else "number"
    if isinstance(node, ast.UnaryOp):
        return "truth" if isinstance(node.op, ast.Not) else "number"
    if isinstance(node, (ast.Compare, ast.BoolOp)):
        return "truth"
    if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict, *COMPREHENSIONS)):
        return "collection"
    if isinstance(node, (ast.JoinedStr, ast.FormattedValue)):
        return "text"
    return "function" if isinstance(node, ast.Lambda) else "any"


def interchangeable(draft: Draft, a: Site, donor: Draft, b: Site) -> bool:
    kinds = {draft.kind(a), donor.kind(b)}
    alike = len(kinds) == 1 or ("any" in kinds and not kinds & {"text", "number", "function"})
    return alike and a.role == b.role


def same(a: ast.AST, b: ast.AST) -> bool:
    return ast.dump(a) == ast.dump(b)


def stored_names(node: ast.AST) -> set[str]:
    stores = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return {n.id for n in stores if isinstance(n.ctx, ast.Store)}


def free_names(node: ast.AST) -> set[str]:
    """The names that a piece of program needs from around it."""
    loaded: set[str] = set()
    bound = stored_names(node)
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load):
            loaded.add(child.id)
        elif isinstance(child, ast.Lambda):
            bound.update(parameters(child.args))
        elif isinstance(child, ast.AugAssign) and isinstance(child.target, ast.Name):
            bound.discard(child.target.id)
            loaded.add(child.target.id)
    return loaded - bound


def adapted(draft: Draft, node: ast.AST, site: Site) -> ast.AST | None:
    """A copy of the node for the site: names unknown there become others; None if they cannot."""
    if sum(1 for _ in ast.walk(node)) > MAX_MOVED_NODES:
        return None
    unknown, values = free_names(node) - draft.visible(site), site.names()
    if not unknown:
        return copy.deepcopy(node)
    used_as: set[str] = set()
    for child in ast.walk(node):
        base = getattr(child, "func", None) or getattr(child, "value", None)
        if isinstance(child, (ast.Call, ast.Attribute)) and isinstance(base, ast.Name):
            used_as.add(base.id)
    if not values or unknown & used_as:
        return None
    renamed = {name: draft.rng.choice(values) for name in sorted(unknown)}
    new = copy.deepcopy(node)
    for child in ast.walk(new):
        if isinstance(child, ast.Name):
            child.id = renamed.get(child.id, child.id)
    return new
