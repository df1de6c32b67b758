"""The operator `compose`: a function of the program is applied once more."""

from __future__ import annotations

import ast
import copy

from selftaught.models.guest_programs.draft import (
    SAFE_BUILTINS,
    Draft,
    Site,
    free_names,
    parameters,
    same,
)


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
