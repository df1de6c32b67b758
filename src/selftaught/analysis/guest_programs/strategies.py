"""Search strategies in an improver's text: one rule each, over how it asks, scores and chooses.

`read` is called in a guest with a program's text, which is hostile. A rule gives the nodes that
show its strategy. Names and comments do not count; of the prompts' words those do that ask to merge
programs, to change one part only, or to change little.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import partial
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


# --- how the programs in a prompt were chosen -----------------------------------------------------


def _chosen(improver: Improver, ask: ast.Call) -> dict[str, list[ast.AST]]:
    """Choices between programs that a message is made of, by their kind.

    `draw`: by chance. `frontier`: what waits first. `top`: the best few, each in its own message,
    or `joined` in one. `best`. `walk`: as good, or seldom and more seldom a worse one; `other`:
    by a chance that stays. `latest`: programs as they came.
    """
    message = improver.argument(ask, "message")
    ends = partial(_kind, improver)
    chosen: dict[str, list[ast.AST]] = {}
    for node in () if message is None else improver.reach(message, ends):
        kind = ends(node)
        if kind == "top" and "batch" not in name_of(ask):
            loops = (getattr(loop, "iter", node) for loop in improver.loops(ask))
            is_each = any(node in improver.reach(loop, ends) for loop in loops)
            kind = "top" if is_each else "joined"
        if kind:
            chosen.setdefault(kind, []).append(node)
    return chosen


def _kind(improver: Improver, node: ast.AST) -> str:
    name = name_of(node)
    match node:
        case ast.Call() if name == "extract_code":
            return "latest"
        case ast.Call() if name in ("heappop", "heapreplace"):
            return "frontier"
        case ast.Call(args=[_, *_] as among) if name in _DRAWS and improver.has_program(*among):
            return "draw"
        case ast.Call(args=[_, *_] as among) if name in ("max", "min", "nlargest", "nsmallest"):
            if improver.has_program(*among) and improver.has_score(node):
                parts = (one for one in improver.made_of(node) if isinstance(one, ast.Call))
                drawn = (one for one in parts if name_of(one) in _DRAWS)
                is_drawn = any(improver.has_program(one) for one in drawn)
                return "draw" if is_drawn else "best" if name in ("max", "min") else "top"
        case ast.Subscript(value=base, slice=place) if improver.has_program(base):
            values = [base, *(one.value for one in improver.given[name_of(base)])]
            if {"sorted", "sort", "nlargest"} & set(map(name_of, values)):
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


def _shown(*kinds: str, without: tuple[str, ...] = ()) -> Rule:
    """Where repeated requests choose programs in one of these ways, and in none of the others."""

    def rule(improver: Improver) -> Nodes:
        for ask in improver.asks:
            chosen = _chosen(improver, ask) if improver.loops(ask) else {}
            nodes = [one for kind in kinds for one in chosen.get(kind, ())]
            if nodes and not any(kind in chosen for kind in without):
                yield from (*nodes, ask)

    return rule


def _beam(improver: Improver) -> Nodes:
    yield from _shown("top", "frontier", without=("draw",))(improver)
    yield from _solution_bandit(improver)


def _genetic(improver: Improver) -> Nodes:
    nodes = [*_shown("draw")(improver)]
    return (one for one in nodes if improver.has_score(*nodes))


def _solution_bandit(improver: Improver) -> Nodes:
    for node in _shown("best", "frontier")(improver):
        for key in (one.value for one in getattr(node, "keywords", ()) if one.arg == "key"):
            names = improver.names_in(key)
            if {"sqrt", "log"} <= names or names & {"beta", "betavariate"}:
                yield node


def _epsilon(improver: Improver) -> Nodes:
    for node in improver.nodes:
        if isinstance(node, (ast.If, ast.IfExp)):
            names = [
                {name_of(one) for one in ast.walk(part)} for part in ast.iter_child_nodes(node)
            ]
            is_drawn = names[0] & _BY_CHANCE and any(one & _DRAWS for one in names[1:])
            around = ast.walk(improver.function(node))
            best = [one for one in around if name_of(one) in ("max", "argmax", "sorted")]
            if is_drawn and improver.has_score(*best):
                yield node


# --- what prompts say -----------------------------------------------------------------------------


def _local(improver: Improver) -> Nodes:
    nodes = [*_shown("best", "walk", without=("draw", "top", "frontier"))(improver)]
    asked = [improver.argument(ask, "message") for ask in improver.asks if ask in nodes]
    return (one for one in nodes if any(_SMALL.search(improver.texts(said)) for said in asked))


def _decomposition(improver: Improver) -> Nodes:
    for ask in improver.asks:
        if _ONE_PART.search(improver.texts(improver.argument(ask, "message"))):
            yield ask


def _ensemble(improver: Improver) -> Nodes:
    for ask in improver.asks:
        chosen = _chosen(improver, ask)
        several = [node for kind in ("joined", "top", "latest") for node in chosen.get(kind, ())]
        words = MERGING.search(improver.texts(improver.argument(ask, "message")))
        if several and words and "draw" not in chosen:
            yield from (ask, *several)


def _said(improver: Improver) -> Iterator[tuple[ast.Call, ast.AST]]:
    """Each request, with all that its words are made of."""
    for ask in improver.asks:
        for said in (improver.argument(ask, "message"), improver.argument(ask, "expertise")):
            yield from ((ask, node) for node in (improver.made_of(said) if said else ()))


def _prompt_bandit(improver: Improver) -> Nodes:
    for ask, node in _said(improver):
        match node:
            case ast.Call(args=[pool, *_], keywords=[ast.keyword(value=by), *_]):
                is_choice = name_of(node) in ("max", "min", "sorted", *_DRAWS)
            case ast.Subscript(value=pool, slice=by):
                is_choice = True
            case _:
                continue
        is_by_score = is_choice and improver.has_score(by) and not improver.has_program(pool)
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


# --- how it saves, stops and hurries --------------------------------------------------------------


def _temperature(improver: Improver) -> Nodes:
    for ask in improver.asks:
        temperature = improver.argument(ask, "temperature")
        if temperature is not None and improver.changes(temperature):
            yield from (temperature, ask)


def _caching(improver: Improver) -> Nodes:
    scored = {name_of(arg) for one in improver.scorings for arg in getattr(one, "args", ())} - {""}
    scoring = {improver.function(one) for one in improver.scorings}
    for node in improver.nodes:
        match node:
            case ast.Call(args=[what]) if name_of(node) in _MEMOS and improver.has_score(what):
                yield node
            case ast.FunctionDef(decorator_list=decorators, name=name):
                is_kept = _MEMOS & {name_of(one) for one in decorators}
                if is_kept and improver.has_score(*(one.value for one in improver.given[name])):
                    yield node
            case (
                ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[held])
                | ast.Call(func=ast.Attribute(value=held, attr="get"), args=[key, *_])
            ):
                puts = [one.by for one in improver.given[name_of(held)] if one.where is None]
                is_put = any(isinstance(by, ast.Call) for by in puts) or improver.has_score(held)
                is_program = improver.has_program(key) or name_of(key) in scored
                if is_program and is_put and not isinstance(key, ast.Attribute):
                    yield from [node] if improver.function(node) in scoring else []
            case ast.Call(args=[what]) if name_of(node) in ("set", "fromkeys"):
                if name_of(improver.parent[node]) != "len" and improver.has_program(what):
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
        if isinstance(node, ast.Try) and any(_leaves(one.body) for one in node.handlers):
            around = improver.function(node)
            is_scored = any(one in improver.scorings for one in ast.walk(around))
            tests += node.body[:1] if is_scored else []
        for one in (part for test in tests for part in ast.walk(test)):
            if isinstance(one, ast.Call) and name_of(one) in checkers:
                yield from [one] if improver.has_program(*one.args) else []


def _leaves(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], (ast.Continue, ast.Break, ast.Return, ast.Raise))


def _early_stop(improver: Improver) -> Nodes:
    for loop in {loop for ask in improver.asks for loop in improver.loops(ask)}:
        tests = [loop.test] if isinstance(loop, ast.While) else []
        for node in ast.walk(loop):
            if isinstance(node, (ast.Break, ast.Return)):
                inner = next((one for one in improver.around(node) if isinstance(one, LOOPS)), None)
                if inner is loop or isinstance(node, ast.Return):
                    tests += improver.tests(node)
        for one in (part for test in tests for part in ast.walk(test)):
            if isinstance(one, ast.Compare) and isinstance(one.ops[0], _ORDERS):
                yield from [one] if improver.has_score(one) else []


def _threads(improver: Improver) -> Nodes:
    used = {*improver.asks, *improver.scorings}
    yield from (one for one in used if name_of(one).startswith("start"))
    for node in improver.nodes:
        if isinstance(node, ast.Call) and name_of(node) in (*_POOLS, "submit", "map"):
            pool = getattr(node.func, "value", node)
            if name_of(node) == "map" and not improver.names_in(pool) & _POOLS:
                continue
            for one in [word.value for word in node.keywords if word.arg == "target"] + node.args[
                :1
            ]:
                if used & {*ast.walk(improver.functions.get(name_of(one), one))}:
                    yield node


RULES: dict[str, Rule] = {
    "beam_search": _beam,
    "tree_search": _shown("frontier"),
    "genetic_algorithm": _genetic,
    "simulated_annealing": _shown("walk"),
    "local_search": _local,
    "iteration_from_incumbent": _shown(
        "best", without=("draw", "top", "frontier", "walk", "other", "latest")
    ),
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
    """The strategies of a program.

    Returns: `{"found": [[strategy, lines]], "unreadable": None | why}`.
    """
    found = []
    try:
        improver = Improver(source)
        if not isinstance(improver.functions.get(ENTRY), ast.FunctionDef):
            return {"found": [], "unreadable": f"it defines no {ENTRY}"}
        for name, rule in RULES.items():
            lines = {getattr(node, "lineno", 0) for node in rule(improver)} - {0}
            found += [[name, sorted(lines)]] if lines else []
    except SyntaxError as error:
        return {"found": [], "unreadable": f"line {error.lineno}: {error.msg}"}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"found": [], "unreadable": f"{type(error).__name__}: {error}"[:300]}
    return {"found": found, "unreadable": None}
