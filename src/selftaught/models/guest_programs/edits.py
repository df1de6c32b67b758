"""The operators: each makes one edit of the draft, or finds none and returns False."""

from __future__ import annotations

import ast
import copy
import math
import random
from collections.abc import Callable

from selftaught.models.guest_programs.composition import callee, compose, words
from selftaught.models.guest_programs.draft import (
    DECLARATIONS,
    DEFINITIONS,
    FUNCTIONS,
    SAFE_BUILTINS,
    Draft,
    Site,
    adapted,
    free_names,
    interchangeable,
    kind_of,
    same,
    stored_names,
)

MAX_TRIES = 12


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


# Each with its relative probability; one that finds nothing to edit is drawn again without it.
OPERATORS: dict[str, tuple[Callable[[Draft], bool], float]] = {
    "constants": (edit_constant, 40),  # a number is rescaled or stepped, a bool flipped
    "composition": (
        compose,
        15,
    ),  # a function calls itself repeatedly, or wraps an inner expression
    "crossover": (
        cross_over,
        8,
    ),  # a part of a donor, or of the program itself, replaces a part of its kind
    "subtrees": (edit_subtree, 8),  # an expression is replaced by another, or put into arithmetic
    "operators": (edit_operator, 6),  # + - * / and their like, and/or
    "names": (edit_name, 6),  # another name in scope
    "deletion": (delete, 6),  # a statement goes
    "comparisons": (edit_comparison, 4),  # < <= > >= == != in is
    "hoisting": (hoist, 4),  # an expression becomes its own part, a block its body
    "incumbents": (
        keep_incumbent,
        4,
    ),  # an argument is kept among the choices of a max(...) or min(...)
    "duplication": (duplicate, 3),  # a statement is repeated, or changes places with the next
    "opposites": (take_opposite, 3),  # min/max, any/all, sorted/reversed
}
