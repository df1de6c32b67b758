"""Search strategies in an improver's text: one rule each, over how it asks, scores and chooses.

`read` is called in a guest with a program's text, which is hostile. A rule gives the nodes that
show its strategy. Names and comments do not count; of the prompts' words those do that ask to merge
programs, to change one part only, or to change little.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from selftaught.analysis.guest_programs.improver import ENTRY, LOOPS, Improver, Nodes, name_of

Rule: TypeAlias = Callable[[Improver], Nodes]

MERGING = re.compile(
    r"\b(merg|combin|unit(?:e|es|ing)\b|unif|synthes|blend|fus(?:e|es|ing|ion)\b|hybrid|integrat|"
    r"together\b|amalgam|consolidat|(?:strengths|strong points|advantages|merits|best) of\b)",
    re.IGNORECASE,
)
_PART = (
    r"(?:function|piece|component|section|part|method|class|helper|step|module|sub-?problem)s?\b"
)
_ONE_PART = re.compile(
    rf"\b(?:only|just|solely|single|one)\b[^.\n]{{0,30}}\b{_PART}|"
    rf"\b{_PART}[^.\n]{{0,20}}\b(?:alone|only)\b|"
    r"\b(?:rewrite|improve|optimi[sz]e|change|work on|focus on)\b[^.\n]{0,20}"
    rf"\b{_PART}:? [`'\"]?\0",  # its name follows: NUL ends a text
    re.IGNORECASE,
)
_SMALL = re.compile(
    r"\b(?:small|minor|tiny|local|slight(?:ly)?|single|one) (?:\w+ )?(?:change|edit|modification|"
    r"mutation|step|tweak)|\bneighbou?r|\bmutat|\bperturb|\btweak|\bChange one thing",
    re.IGNORECASE,
)
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq)
_BY_CHANCE, _DRAWS = {"random", "uniform", "rand"}, {"choice", "choices", "sample"}
_MEMOS = {"cache", "lru_cache", "memoize"}
_CHECKS = {"compile", "parse", "exec", "eval", "literal_eval"}
_POOLS = {"ThreadPoolExecutor", "ProcessPoolExecutor", "ThreadPool", "Pool", "Thread", "Process"}


def _chosen(improver: Improver, ask: ast.Call) -> dict[str, list[ast.AST]]:
    """Choices between programs that a message is made of, by their kind.

    `draw`: by chance. `frontier`: what waits first. `top`: the best few, each in its own message,
    or `joined` in one. `best`. `walk`: as good, or ever more seldom a worse one; `other`: by a
    chance that stays. `latest`: programs as they came.
    """

    def kind(node: ast.AST) -> str:
        return _kind(improver, node)

    chosen: defaultdict[str, list[ast.AST]] = defaultdict(list)
    for node in improver.reach(improver.argument(ask, "message"), kind):
        found = kind(node)
        if found == "top" and "batch" not in name_of(ask):
            loops = [getattr(loop, "iter", loop) for loop in improver.loops(ask)]
            is_each = any(node in improver.reach(loop, kind) for loop in loops)
            found = "top" if is_each else "joined"
        if found:
            chosen[found].append(node)
    return chosen


def _kind(improver: Improver, node: ast.AST) -> str:
    name = name_of(node)
    match node:
        case ast.Call() if name in ("extract_code", "heappop", "heapreplace"):
            return "latest" if name == "extract_code" else "frontier"
        case ast.Call(args=[_, *_] as among) if improver.has_program(*among):
            made = improver.made_of(node)
            drawn = [one for one in made if isinstance(one, ast.Call) and name_of(one) in _DRAWS]
            if name in _DRAWS or (name in ("max", "min") and improver.has_program(*drawn)):
                return "draw"
            kinds = {"max": "best", "min": "best", "nlargest": "top", "nsmallest": "top"}
            return kinds.get(name, "") if improver.has_score(node) else ""
        case ast.Subscript(value=base, slice=place) if improver.has_program(base):
            values = [base, *(value for value, *_ in improver.given[name_of(base)])]
            if {"sorted", "sort", "nlargest"} & {name_of(one) for one in values}:
                return "top" if isinstance(place, ast.Slice) else "best"
            return "best" if "argmax" in improver.names_in(place) else ""
        case ast.Assign(value=value) if improver.has_program(value):
            return max((_guarded(improver, test) for test in improver.tests(node)), default="")
    return ""


def _guarded(improver: Improver, test: ast.expr) -> str:
    """What a condition about scores makes of the assignment under it."""
    parts = improver.made_of(test)
    compared = [one for one in parts if isinstance(one, ast.Compare) and improver.has_score(one)]
    if not any(isinstance(one.ops[0], _ORDERS) for one in compared):
        return ""
    by_chance = not _BY_CHANCE.isdisjoint(improver.names_in(test))
    sides = [side for one in compared for side in (one.left, *one.comparators)]
    margins = [part for one in sides if isinstance(one, ast.BinOp) for part in ast.walk(one)]
    if any(map(improver.is_planned, parts if by_chance else margins)):
        return "walk"
    return "other" if by_chance else "best"


def _shown(*kinds: str, without: tuple[str, ...] = (), saying: str | re.Pattern[str] = "") -> Rule:
    """Where repeated requests choose programs in one of these ways, and in none of the others."""

    def rule(improver: Improver) -> Nodes:
        for ask in improver.asks:
            chosen = _chosen(improver, ask) if improver.loops(ask) else {}
            nodes = [one for kind in kinds for one in chosen.get(kind, ())]
            if nodes and chosen.keys().isdisjoint(without) and improver.says(ask, saying):
                yield from (*nodes, ask)

    return rule


def _genetic(improver: Improver) -> Nodes:
    nodes = [*_shown("draw")(improver)]
    return (one for one in nodes if improver.has_score(*nodes))


def _solution_bandit(improver: Improver) -> Nodes:
    for node in _shown("best", "frontier")(improver):
        for key in (one.value for one in getattr(node, "keywords", ()) if one.arg == "key"):
            if {"sqrt", "log"} <= improver.names_in(key) or "beta" in improver.names_in(key):
                yield node


def _epsilon(improver: Improver) -> Nodes:
    for node in improver.nodes:
        if isinstance(node, (ast.If, ast.IfExp)):
            names = [
                {name_of(one) for one in ast.walk(part)} for part in ast.iter_child_nodes(node)
            ]
            around = ast.walk(improver.function(node))
            best = [one for one in around if name_of(one) in ("max", "argmax", "sorted")]
            is_drawn = names[0] & _BY_CHANCE and any(one & _DRAWS for one in names[1:])
            yield from [node] if is_drawn and improver.has_score(*best) else []


def _decomposition(improver: Improver) -> Nodes:
    return (ask for ask in improver.asks if improver.says(ask, _ONE_PART))


def _ensemble(improver: Improver) -> Nodes:
    for ask in improver.asks:
        chosen = _chosen(improver, ask)
        several = [node for kind in ("joined", "top", "latest") for node in chosen.get(kind, ())]
        if several and "draw" not in chosen and improver.says(ask, MERGING):
            yield from (ask, *several)


def _said(improver: Improver) -> Iterator[tuple[ast.Call, ast.AST]]:
    """Each request, with all that its words are made of."""
    for ask in improver.asks:
        for said in (improver.argument(ask, "message"), improver.argument(ask, "expertise")):
            yield from ((ask, node) for node in improver.made_of(said))


def _prompt_bandit(improver: Improver) -> Nodes:
    chosen_by = {"max", "min", "sorted", *_DRAWS}
    for ask, node in _said(improver):
        match node:
            case (
                ast.Call(args=[pool, *_], keywords=[ast.keyword(value=by), *_])
                | ast.Subscript(value=pool, slice=by)
            ) if isinstance(node, ast.Subscript) or name_of(node) in chosen_by:
                is_by_score = improver.has_score(by) and not improver.has_program(pool)
                if is_by_score and _has_words(*improver.made_of(pool)):
                    yield from (ask, node)


def _varied(improver: Improver) -> Nodes:
    for ask, node in _said(improver):
        values = getattr(node, "elts", None) or getattr(node, "values", None) or []
        is_list = isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict))
        is_list = is_list and name_of(improver.parent.get(node)) != "join"
        if is_list and sum(_has_words(*ast.walk(one)) for one in values if one is not None) > 1:
            yield from (node, ask)


def _has_words(*nodes: ast.AST) -> bool:
    texts = [one.value for one in nodes if isinstance(one, ast.Constant)]
    return any(isinstance(one, str) and " " in one.strip() for one in texts)


def _temperature(improver: Improver) -> Nodes:
    for ask in improver.asks:
        temperature = improver.argument(ask, "temperature")
        parts = improver.made_of(temperature)
        counted = [one for one in parts if isinstance(one, (ast.AugAssign, *LOOPS))]
        given = [one for one in parts if isinstance(one, ast.Assign) and improver.loops(one)]
        if counted or any(not isinstance(one.value, ast.Constant) for one in given):
            yield from (temperature, ask)


def _caching(improver: Improver) -> Nodes:
    scored = {name_of(arg) for one in improver.scorings for arg in getattr(one, "args", ())} - {""}
    scoring = {improver.function(one) for one in improver.scorings}
    for node in improver.nodes:
        match node:
            case ast.Call(args=[what]) if name_of(node) in _MEMOS:
                yield from [node] if improver.has_score(what) else []
            case ast.FunctionDef(decorator_list=decorators, name=name):
                is_kept = _MEMOS & {name_of(one) for one in decorators}
                if is_kept and improver.has_score(*(value for value, *_ in improver.given[name])):
                    yield node
            case ast.Call(args=[what]) if name_of(node) in ("set", "fromkeys"):
                if name_of(improver.parent[node]) != "len" and improver.has_program(what):
                    yield node
            case (
                ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[held])
                | ast.Call(func=ast.Attribute(value=held, attr="get"), args=[key, *_])
            ) if improver.function(node) in scoring and not isinstance(key, ast.Attribute):
                puts = [by for _, by, where in improver.given[name_of(held)] if where is None]
                is_program = improver.has_program(key) or name_of(key) in scored
                if is_program and (puts or improver.has_score(held)):
                    yield node


def _self_tests(improver: Improver) -> Nodes:
    """What checks, or a function that does, decides about a program of a reply."""
    checkers = set(_CHECKS)
    for _ in range(2):  # what calls one is one, too
        for name, function in improver.functions.items():
            called = {name_of(one) for one in ast.walk(function) if isinstance(one, ast.Call)}
            checkers |= {name} - {ENTRY} if called & checkers else set()
    for node in improver.nodes:
        tests = [node.test] if isinstance(node, (ast.If, ast.IfExp)) else getattr(node, "ifs", [])
        if isinstance(node, ast.Try):
            lasts = [one.body[-1] for one in node.handlers]
            is_left = any(isinstance(one, (ast.Continue, ast.Return)) for one in lasts)
            is_scored = not improver.scorings.isdisjoint(ast.walk(improver.function(node)))
            tests = node.body[:1] if is_left and is_scored else []
        for one in (part for test in tests for part in ast.walk(test)):
            if isinstance(one, ast.Call) and name_of(one) in checkers:
                yield from [one] if improver.has_program(*one.args) else []


def _early_stop(improver: Improver) -> Nodes:
    for loop in {loop for ask in improver.asks for loop in improver.loops(ask)}:
        tests = [loop.test] if isinstance(loop, ast.While) else []
        for node in ast.walk(loop):
            if isinstance(node, (ast.Break, ast.Return)):
                inner = next((one for one in improver.around(node) if isinstance(one, LOOPS)), None)
                tests += improver.tests(node) if inner in (loop, None) else []
        for one in (part for test in tests for part in ast.walk(test)):
            if isinstance(one, ast.Compare) and isinstance(one.ops[0], _ORDERS):
                yield from [one] if improver.has_score(one) else []


def _threads(improver: Improver) -> Nodes:
    used = {*improver.asks, *improver.scorings}
    yield from (one for one in used if name_of(one).startswith("start"))
    for node in improver.nodes:
        if isinstance(node, ast.Call) and name_of(node) in (*_POOLS, "submit", "map"):
            is_run = name_of(node) != "map" or improver.names_in(node.func) & _POOLS
            run = [one.value for one in node.keywords if one.arg == "target"] + node.args[:1]
            inner = [improver.functions.get(name_of(one), one) for one in run if is_run]
            yield from [node] if any(used & {*ast.walk(one)} for one in inner) else []


_POOL_KINDS = ("draw", "top", "frontier")
RULES: dict[str, Rule] = {
    "beam_search": _shown("top", "frontier", without=("draw",)),
    "tree_search": _shown("frontier"),
    "genetic_algorithm": _genetic,
    "simulated_annealing": _shown("walk"),
    "local_search": _shown("best", "walk", without=_POOL_KINDS, saying=_SMALL),
    "iteration_from_incumbent": _shown("best", without=(*_POOL_KINDS, "walk", "other", "latest")),
    "decomposition": _decomposition,
    "ensemble": _ensemble,
    "prompt_bandit": _prompt_bandit,
    "solution_bandit": _solution_bandit,
    "epsilon_greedy": _epsilon,
    "temperature_schedule": _temperature,
    "varied_prompts": _varied,
    "caching": _caching,
    "self_tests": _self_tests,
    "early_stop": _early_stop,
    "multithreading": _threads,
}


def read(source: str) -> dict[str, Any]:
    """The strategies of a program: `{"found": [[strategy, lines]], "unreadable": None | why}`."""
    found = []
    try:
        improver = Improver(source)
        for name, rule in RULES.items():
            lines = {getattr(node, "lineno", 0) for node in rule(improver)} - {0}
            found += [[name, sorted(lines)]] if lines else []
    except SyntaxError as error:
        return {"found": [], "unreadable": f"line {error.lineno}: {error.msg}"}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"found": [], "unreadable": f"{error or type(error).__name__}"[:300]}
    return {"found": found, "unreadable": None}
