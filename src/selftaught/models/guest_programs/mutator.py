"""The program behind `local:mutator`: it edits the program that it finds in the prompt.

This is not a language model. It reads no prose, knows no task and learns nothing. It parses the
first fenced program of the prompt and returns copies of it, each with one to three edits drawn at
random with the probabilities of `WEIGHTS`. The edits are general, from the operators of genetic
programming (subtree mutation, crossover, hoisting, duplication) and of mutation testing (constant,
operator, comparison, name and statement replacement). The operators were chosen knowing the seed
improver: composing a function with itself, and keeping an argument among the choices of a
`max(...)`, are useful edits of it. Other programs of the prompt are donors for crossover.

It runs in a sandbox job, since the text that it parses is hostile.
"""

from __future__ import annotations

import ast
import copy
import math
import random
import re

from selftaught_guest.extract import code_blocks

# Relative probability of each operator; one that finds nothing to edit is drawn again without it.
WEIGHTS = {
    "constants": 40,  # a number is rescaled or stepped, a bool flipped
    "composition": 15,  # a function calls itself repeatedly, or wraps an inner expression
    "crossover": 8,  # a part of a donor, or of the program itself, replaces a part of its kind
    "subtrees": 8,  # an expression is replaced by another, or put into arithmetic
    "operators": 6,  # + - * / and their like, and/or
    "names": 6,  # another name in scope
    "deletion": 6,  # a statement goes
    "comparisons": 4,  # < <= > >= == != in is
    "hoisting": 4,  # an expression becomes its own part, a block its body
    "incumbents": 4,  # an argument is kept among the choices of a max(...) or min(...)
    "duplication": 3,  # a statement is repeated, or changes places with the next
    "opposites": 3,  # min/max, any/all, sorted/reversed
}

# With fewer numbers than this, constants are edited less, in proportion: else a program with one
# number would get little but other values of it.
FEW_NUMBERS = 4

MAX_PROGRAM_CHARS = 100_000
MAX_TRIES = 12
MAX_MOVED_NODES = 60
NO_PROGRAM = "I found no program to edit."

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


def table(text: str) -> dict[str, list[str]]:
    """The dict {"a": ["b", "c"], "d": ["e"]} from "a: b c; d: e"."""
    pairs = (entry.split(":") for entry in text.split(";"))
    return {name.strip(): values.split() for name, values in pairs}


OTHER_OPERATORS = table(
    "Add: Sub Mult; Sub: Add Mult Div; Mult: Add Sub Div; Div: Mult Sub FloorDiv;"
    "FloorDiv: Div Mod; Mod: FloorDiv; Pow: Mult; LShift: RShift; RShift: LShift;"
    "BitAnd: BitOr BitXor; BitOr: BitAnd BitXor; BitXor: BitAnd BitOr; And: Or; Or: And"
)
OTHER_COMPARISONS = table(
    "Lt: LtE Gt; LtE: Lt GtE; Gt: GtE Lt; GtE: Gt LtE; Eq: NotEq; NotEq: Eq;"
    "In: NotIn; NotIn: In; Is: IsNot; IsNot: Is"
)
OPPOSITES = table(
    "min: max; max: min; any: all; all: any; argmin: argmax; argmax: argmin; floor: ceil;"
    "ceil: floor; minimum: maximum; maximum: minimum; amin: amax; amax: amin"
)
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


# --- operators: each makes one edit of the draft, or finds none and returns False -----------------


def edit_constant(draft: Draft) -> bool:
    sites = [s for s in draft.expressions if is_number(s.node)]
    if not sites:
        return False
    site = draft.rng.choice(sites)
    value = getattr(site.node, "value", 0)
    for _ in range(MAX_TRIES):
        changed = changed_number(value, draft.rng, draft.temperature)
        if changed != value:
            return site.put(number_node(changed))
    return False


def is_number(node: ast.AST) -> bool:
    if not isinstance(node, ast.Constant) or not isinstance(node.value, (int, float)):
        return False
    return abs(node.value) < 1e15


def number_node(value: float) -> ast.expr:
    negative = not isinstance(value, bool) and value < 0
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if negative else ast.Constant(value)


def changed_number(value: float, rng: random.Random, temperature: float) -> float:
    """Lognormal noise, or a step of a small int; now and then 1 - x, another sign, 0 or 1."""
    if isinstance(value, bool):
        return not value
    sigma, draw = 0.15 + 0.85 * temperature, rng.random()
    if draw < 0.05:
        return -value
    if draw < 0.1:
        return type(value)(rng.randrange(2))
    if isinstance(value, int):
        if abs(value) <= 10 or draw < 0.3:
            return value + rng.choice((-1, 1)) * (1 + int(rng.expovariate(1 / sigma)))
        return round(value * math.exp(rng.gauss(0.0, sigma)))
    if draw < 0.2 and 0 < value < 1:
        return float(f"{1 - value:.4g}")
    scaled = value * math.exp(rng.gauss(0.0, sigma)) if value else rng.gauss(0.0, sigma)
    return float(f"{scaled:.4g}")


def compose(draft: Draft) -> bool:
    """A function of the program is applied again: to its own result, or around an expression."""
    if draft.rng.random() < 0.25 and wrap_in_function(draft):
        return True
    found = [node for node in draft.tree.body if isinstance(node, ast.FunctionDef)]
    for function in draft.rng.sample(found, len(found)):
        weights = feedback_weights(function)
        # Where nothing says that a result can be an argument, it is a rare guess.
        if sum(weights) >= 1 or (sum(weights) > 0 and draft.rng.random() < 0.3):
            return compose_with_itself(draft, function, weights)
    return wrap_in_function(draft)


def feedback_weights(function: ast.FunctionDef) -> list[float]:
    """How plausibly a result of the function can stand for each of its positional parameters."""
    results = []
    for node in ast.walk(function):
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return []
        if isinstance(node, ast.Return) and node.value is not None:
            results.append(node.value)
    weights = []
    for i, parameter in enumerate([*function.args.posonlyargs, *function.args.args]):
        weight = (0.5 if i == 0 else 0.02) * bool(results)
        if function.returns is not None and parameter.annotation is not None:
            weight = 4.0 * same(function.returns, parameter.annotation)
        elif any(resembles(result, parameter.arg) for result in results):
            weight += 4.0 if i == 0 else 1.0
        weights.append(weight)
    return weights


def resembles(node: ast.AST, name: str) -> bool:
    """Whether an expression is a variable named alike, a choice of such, or arithmetic on it."""
    if isinstance(node, ast.Name):
        return bool(words(node.id) & words(name))
    if isinstance(node, ast.Call) and callee(node) in ("max", "min"):
        return any(resembles(argument, name) for argument in node.args)
    operands = [n for n in ast.iter_child_nodes(node) if isinstance(node, (ast.BinOp, ast.UnaryOp))]
    return any(isinstance(n, ast.Name) and n.id == name for n in operands)


def words(name: str) -> set[str]:
    return {word.rstrip("s") for word in name.lower().split("_") if word}


def compose_with_itself(draft: Draft, function: ast.FunctionDef, weights: list[float]) -> bool:
    """`f` becomes `f_once`, and a new `f` calls it several times."""
    rng, args, name = draft.rng, function.args, function.name
    taken = {n.id for n in ast.walk(draft.tree) if isinstance(n, ast.Name)} | draft.callables
    once = fresh_name(f"{name}_once", taken)
    positional = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    fed = rng.choices(positional, weights)[0]
    rest = [
        *(f"*{a.arg}" for a in [args.vararg] if a),
        *(f"{a.arg}={a.arg}" for a in args.kwonlyargs),
    ]
    rest += [f"**{a.arg}" for a in [args.kwarg] if a]
    call = f"{once}({', '.join([*positional, *rest])})"
    inner = ", ".join([call if p == fed else p for p in positional] + rest)
    times, key = rng.randint(2, 4), key_parameter(function)
    bodies = [f"return {once}({inner})", *repeated_body(times, fed, call)]
    if key is not None:
        chooser, judge = key
        tries = f"[{fed}, *[{call} for _ in range({times})]]"
        bodies.append(f"return {chooser}({tries}, key={judge})")
        bodies += repeated_body(times, fed, f"{chooser}([{fed}, {call}], key={judge})")
    outer = copy.copy(function)
    outer.args, outer.decorator_list = copy.deepcopy(args), []
    outer.body = ast.parse(rng.choice(bodies)).body
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == name:
            node.id = once
    function.name = once
    draft.tree.body.insert(draft.tree.body.index(function) + 1, outer)
    return True


def repeated_body(times: int, fed: str, step: str) -> list[str]:
    """A loop over a step, plain, and ending with what it has when a step fails."""
    guarded = f"    try:\n        {fed} = {step}\n    except Exception:\n        break"
    return [
        f"for _ in range({times}):\n{body}\nreturn {fed}"
        for body in (f"    {fed} = {step}", guarded)
    ]


def fresh_name(name: str, taken: set[str]) -> str:
    fresh, number = name, 2
    while fresh in taken:
        fresh, number = f"{name}_{number}", number + 1
    return fresh


def key_parameter(function: ast.FunctionDef) -> tuple[str, str] | None:
    """The chooser (max or min) and the parameter by which the function itself ranks results."""
    known = parameters(function.args)
    for call in ast.walk(function):
        for keyword in call.keywords if isinstance(call, ast.Call) else []:
            judge = getattr(keyword.value, "id", None)
            if keyword.arg == "key" and judge in known:
                return ("min" if callee(call) == "min" else "max"), judge
    return None


def callee(call: ast.AST) -> str:
    """The name that an expression calls, or ""."""
    func = call.func if isinstance(call, ast.Call) else None
    return func.id if isinstance(func, ast.Name) else ""


def wrap_in_function(draft: Draft) -> bool:
    """A number becomes the argument of a function that the program applies to numbers."""
    sites = draft.numeric_sites()
    numbers = {id(site.node) for site in sites}
    functions: list[ast.expr] = []
    for site in draft.expressions:
        call = site.node
        if isinstance(call, ast.Call) and len(call.args) == 1 and not call.keywords:
            known = free_names(call.func) <= draft.callables | SAFE_BUILTINS
            if known and id(call.args[0]) in numbers:
                functions.append(call.func)
    options = [(s, f) for s in sites for f in functions if not in_function(s, f)]
    if not options:
        return False
    site, func = draft.rng.choice(options)
    assert isinstance(site.node, ast.expr)
    return site.put(ast.Call(copy.deepcopy(func), [site.node], []))


def in_function(site: Site, func: ast.expr) -> bool:
    """Whether the site lies in the very function: a call of it there would never end."""
    return isinstance(func, ast.Name) and func.id == getattr(site.function, "name", None)


def cross_over(draft: Draft) -> bool:
    donor = draft.rng.choice(draft.donors or [draft])
    if draft.rng.random() < 0.35 and cross_statement(draft, donor):
        return True
    return cross_expression(draft, donor)


def cross_statement(draft: Draft, donor: Draft) -> bool:
    movable = (ast.AugAssign, ast.Expr, ast.For, ast.If, ast.While)
    targets = [s for s in draft.statements if isinstance(s.node, movable)]
    for target in filter(is_removable, draft.shuffled(targets)[:6]):
        for source in draft.shuffled(donor.statements):
            if type(source.node) is type(target.node) and not same(source.node, target.node):
                new = adapted(draft, source.node, target)
                if new is not None:
                    return target.put(new)
    return False


def cross_expression(draft: Draft, donor: Draft) -> bool:
    for target in draft.shuffled(draft.expressions)[:12]:
        options = [s for s in donor.expressions if interchangeable(draft, target, donor, s)]
        for source in draft.shuffled(options)[:4]:
            new = adapted(draft, source.node, target)
            if new is not None and not same(new, target.node):
                return target.put(new)
    return False


def edit_subtree(draft: Draft) -> bool:
    """Another expression of the program, a small random one, or arithmetic around the old one."""
    sites, draw = draft.numeric_sites(), draft.rng.random()
    if draw < 0.35 or not sites:
        return cross_expression(draft, draft)
    site = draft.rng.choice(sites)
    assert isinstance(site.node, ast.expr)
    new = random_term(draft, site)
    if draw < 0.55:
        return not same(new, site.node) and site.put(new)
    operator = draft.rng.choice((ast.Add, ast.Sub, ast.Mult, ast.Div))()
    return site.put(ast.BinOp(site.node, operator, new))


def random_term(draft: Draft, site: Site) -> ast.expr:
    """A name, a number, or their product."""
    rng = draft.rng
    names = [name for name in site.names() if name in draft.arithmetic]
    own = [s.node.value for s in draft.expressions if isinstance(s.node, ast.Constant)]
    numbers = [v for v in own if isinstance(v, (int, float)) and not isinstance(v, bool)]
    drawn = float(f"{10 ** rng.uniform(-2, 1):.2g}")
    number = number_node(rng.choice([0.5, 1, 2, drawn, *numbers]))
    if not names or rng.random() < 0.2:
        return number
    name = ast.Name(rng.choice(names), ast.Load())
    return name if rng.random() < 0.5 else ast.BinOp(number, ast.Mult(), name)


def edit_operator(draft: Draft) -> bool:
    nodes = [s.node for s in (*draft.expressions, *draft.statements)]
    nodes = [n for n in nodes if op_name(n) in OTHER_OPERATORS and kind_of(n) != "text"]
    if not nodes:
        return False
    node, ordered = draft.rng.choice(nodes), ("Sub", "Div", "FloorDiv", "Mod")
    if isinstance(node, ast.BinOp) and op_name(node) in ordered and draft.rng.random() < 0.2:
        node.left, node.right = node.right, node.left
    else:
        other = draft.rng.choice(OTHER_OPERATORS[op_name(node)])
        setattr(node, "op", getattr(ast, other)())  # noqa: B010
    return True


def op_name(node: ast.AST) -> str:
    return type(getattr(node, "op", None)).__name__


def edit_comparison(draft: Draft) -> bool:
    nodes = [s.node for s in draft.expressions if isinstance(s.node, ast.Compare)]
    if not nodes:
        return False
    ops = draft.rng.choice(nodes).ops
    i = draft.rng.randrange(len(ops))
    ops[i] = getattr(ast, draft.rng.choice(OTHER_COMPARISONS[type(ops[i]).__name__]))()
    return True


def edit_name(draft: Draft) -> bool:
    sites = [s for s in draft.expressions if isinstance(s.node, ast.Name)]
    for site in draft.shuffled(sites):
        name = getattr(site.node, "id", "")
        # As the base of an attribute or of a call only a name that serves as that elsewhere.
        alike = {getattr(s.node, "id", "") for s in sites if s.role == site.role}
        peers = draft.callables if name in draft.callables else set(site.names()) - draft.callables
        options = sorted((peers if site.role in ("value", "index") else peers & alike) - {name})
        if options and name not in SAFE_BUILTINS:
            return site.put(ast.Name(draft.rng.choice(options), ast.Load()))
    return False


def delete(draft: Draft) -> bool:
    for site in draft.shuffled(draft.statements):
        if is_removable(site) and is_unneeded(site):
            return site.put()
    return False


def is_removable(site: Site) -> bool:
    """Whether the block keeps a statement, and the function its return, without this one."""
    inside = list(ast.walk(site.node))
    if any(isinstance(node, (*DEFINITIONS, *DECLARATIONS)) for node in inside):
        return False
    if any(isinstance(node, ast.Return) for node in inside):
        body = getattr(site.function, "body", [])
        return bool(body) and isinstance(body[-1], ast.Return) and body[-1] is not site.node
    block = getattr(site.parent, site.field)
    return isinstance(block, list) and len(block) > 1


def is_unneeded(site: Site) -> bool:
    """Whether what the statement binds was bound before, or is not used."""
    unbound = stored_names(site.node) - set(site.names())
    if not unbound or site.function is None:
        return not unbound
    loads = (n for n in ast.walk(site.function) if isinstance(n, ast.Name) and n.id in unbound)
    return not any(isinstance(n.ctx, ast.Load) for n in loads)


def hoist(draft: Draft) -> bool:
    if draft.rng.random() < 0.3 and hoist_block(draft):
        return True
    parents = {id(s.node): s for s in draft.expressions if s.role == "value"}
    for part in draft.shuffled(draft.expressions):
        whole = parents.get(id(part.parent))
        if whole is None or not interchangeable(draft, whole, draft, part):
            continue
        if free_names(part.node) <= draft.visible(whole):
            return whole.put(part.node)
    return False


def hoist_block(draft: Draft) -> bool:
    blocks = (ast.If, ast.For, ast.While, ast.Try)
    for site in draft.shuffled([s for s in draft.statements if isinstance(s.node, blocks)]):
        # A body without its loop leaves the variable unbound, unless the name was bound before.
        target = getattr(site.node, "target", None)
        if target is None or stored_names(target) <= set(site.names()):
            return site.put(*getattr(site.node, "body"))  # noqa: B009
    return False


def keep_incumbent(draft: Draft) -> bool:
    """`max(xs, key=f)` becomes `max([*xs, parameter], key=f)`."""
    for site in draft.shuffled([s for s in draft.expressions if callee(s.node) in ("max", "min")]):
        call, function = site.node, site.function
        if not isinstance(call, ast.Call) or not isinstance(function, FUNCTIONS):
            continue
        keyed = len(call.args) == 1 and any(keyword.arg == "key" for keyword in call.keywords)
        if not keyed or isinstance(call.args[0], ast.Starred):
            continue
        used, choices = free_names(call), call.args[0]
        positional = [*function.args.posonlyargs, *function.args.args]
        options = [arg.arg for arg in positional if arg.arg not in used]
        if options:
            near = {word for name in used for word in words(name)}
            weights = [1 + 20 * len(words(name) & near) for name in options]
            kept = ast.Name(draft.rng.choices(options, weights)[0], ast.Load())
            spread: list[ast.expr] = [ast.Starred(choices, ast.Load())]
            if isinstance(choices, ast.List):
                spread = choices.elts
            call.args = [ast.List([*spread, kept], ast.Load())]
            return True
    return False


def duplicate(draft: Draft) -> bool:
    """A statement whose repetition changes something is repeated, or neighbours swap."""
    sites = [s for s in draft.statements if has_effect(s.node)]
    if sites and draft.rng.random() < 0.6:
        site = draft.rng.choice(sites)
        return site.put(site.node, copy.deepcopy(site.node))
    for site in draft.shuffled(draft.statements):
        block = getattr(site.parent, site.field)
        if not isinstance(block, list) or site.index is None or site.index + 1 >= len(block):
            continue
        first, second = site.node, block[site.index + 1]
        leaves = (ast.Return, ast.Break, ast.Continue, ast.Raise, *DEFINITIONS, *DECLARATIONS)
        needed = stored_names(first) & free_names(second)
        if (
            not isinstance(second, leaves)
            and needed <= set(site.names())
            and not same(first, second)
        ):
            block[site.index], block[site.index + 1] = second, first
            return True
    return False


def has_effect(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return bool(stored_names(node) & free_names(node.value))
    return isinstance(node, (ast.AugAssign, ast.For, ast.While, ast.Expr))


def take_opposite(draft: Draft) -> bool:
    """min for max, any for all, and so on; a sorting the other way round."""
    for site in draft.shuffled(draft.expressions):
        node = site.node
        if isinstance(node, ast.Attribute) and node.attr in OPPOSITES:
            node.attr = OPPOSITES[node.attr][0]
            return True
        if isinstance(node, ast.Name) and node.id in OPPOSITES and site.role.startswith("call"):
            node.id = OPPOSITES[node.id][0]
            return True
        if isinstance(node, ast.Call) and callee(node) == "reversed":
            node.func = ast.Name("sorted", ast.Load())
            return True
        if isinstance(node, ast.Call) and callee(node) == "sorted":
            keywords = [k for k in node.keywords if k.arg != "reverse"]
            if len(keywords) == len(node.keywords):
                keywords.append(ast.keyword("reverse", ast.Constant(True)))
            node.keywords = keywords
            return True
    return False


OPERATORS = {
    "constants": edit_constant,
    "composition": compose,
    "crossover": cross_over,
    "subtrees": edit_subtree,
    "operators": edit_operator,
    "names": edit_name,
    "deletion": delete,
    "comparisons": edit_comparison,
    "hoisting": hoist,
    "incumbents": keep_incumbent,
    "duplication": duplicate,
    "opposites": take_opposite,
}


# --- sampling -------------------------------------------------------------------------------------


def sample(system: str, user: str, n: int, temperature: float, seeds: list[int]) -> list[str]:
    """n replies, each with an edited copy of the prompt's program in a fenced block.

    Args:
        system, user: the prompt; the first fenced block that parses and defines a function is the
            program, the others that parse are donors.
        temperature: how far constants move and how many edits are made; useful from 0 to 2.
        seeds: one a reply; a reply depends on the prompt, the temperature and its seed only.
    Returns: n texts. Without a program to edit they hold no code. Nothing is raised.
    """
    source, others = find_program([*code_blocks(user), *code_blocks(system)])
    if source is None:
        return [NO_PROGRAM] * n
    temperature = min(max(float(temperature), 0.0), 2.0)
    try:
        donors = [Draft(tree, random.Random(0), 0.0, []) for tree in others]
        original = ast.unparse(ast.parse(source))
        return [reply(source, original, donors, temperature, seeds[i]) for i in range(n)]
    except (RecursionError, MemoryError, ValueError):
        return [NO_PROGRAM] * n


def find_program(blocks: list[str]) -> tuple[str | None, list[ast.Module]]:
    source, others = None, []
    for block in blocks:
        tree = parsed(block)
        if tree is None:
            continue
        if source is None and any(isinstance(node, FUNCTIONS) for node in tree.body):
            source = block
        else:
            others.append(tree)
    return source, others


def parsed(text: str) -> ast.Module | None:
    if len(text) > MAX_PROGRAM_CHARS:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def reply(source: str, original: str, donors: list[Draft], temperature: float, seed: int) -> str:
    rng = random.Random(seed)
    for _ in range(MAX_TRIES):
        # Parsing again is several times faster than a deep copy of the tree.
        draft = Draft(ast.parse(source), rng, temperature, donors)
        names = [edit_once(draft)]
        for _ in range(number_of_edits(rng, temperature) - 1):
            draft = Draft(draft.tree, rng, temperature, donors)
            names.append(edit_once(draft))
        program = unparsed(draft.tree)
        if program is not None and is_sound(program, original):
            edits = ", ".join(name for name in names if name)
            return f"Edited: {edits}.\n\n{in_fence(program)}\n"
    return f"I found no edit that leaves a program.\n\n{in_fence(original)}\n"


def number_of_edits(rng: random.Random, temperature: float) -> int:
    if rng.random() > 0.35 + 0.2 * temperature:
        return 1
    return 3 if rng.random() < 0.1 + 0.1 * temperature else 2


def edit_once(draft: Draft) -> str | None:
    """Apply one operator, drawn by weight; its name, or None where none applies."""
    weights: dict[str, float] = dict(WEIGHTS)
    numbers = sum(is_number(site.node) for site in draft.expressions)
    weights["constants"] *= min(1.0, numbers / FEW_NUMBERS)
    weights = {name: weight for name, weight in weights.items() if weight}
    while weights:
        name = draft.rng.choices(list(weights), list(weights.values()))[0]
        if OPERATORS[name](draft):
            return name
        del weights[name]
    return None


def unparsed(tree: ast.Module) -> str | None:
    try:
        return ast.unparse(tree)
    except ValueError:  # an f-string that this Python cannot write
        return None


def is_sound(program: str, original: str) -> bool:
    """Whether the program compiles, is another one, and has not run away in size."""
    if program == original or len(program) > 2 * len(original) + 2000:
        return False
    try:
        compile(program, "<edited>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def in_fence(program: str) -> str:
    inner = re.findall(r"^[ \t]*(`{3,})", program, re.MULTILINE)
    fence = "`" * (1 + max(map(len, inner), default=2))
    return f"{fence}python\n{program}\n{fence}"
