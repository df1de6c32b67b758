"""Rules over an improver: how its requests vary, and how it saves uses, calls and time."""

from __future__ import annotations

import ast
import re
from typing import Any

from selftaught.analysis.guest_programs.improver import Improver, Nodes, leaves
from selftaught.analysis.guest_programs.program import ENTRY, LOOPS, name_of

_VERDICT = re.compile(r"^\W*(?:yes|no|ok|pass|fail|valid|invalid|correct|accept|reject)", re.I)
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_CHECKS = {"compile", "parse", "exec", "eval", "literal_eval"}
_POOLS = {"ThreadPoolExecutor", "ProcessPoolExecutor", "ThreadPool", "Pool", "Thread", "Process"}


def temperature(improver: Improver) -> Nodes:
    fixed: dict[Any, list[ast.AST]] = {}
    judged = improver.judged()
    for ask in improver.asks:
        temperature = improver.argument(ask, "temperature")
        if temperature is not None and improver.varies(temperature):
            yield from (temperature, ask)
        elif ask in judged and isinstance(temperature, (ast.Constant, type(None))):
            fixed.setdefault(getattr(temperature, "value", 0.7), []).append(ask)
    if len(fixed) > 1:
        yield from (ask for asks in fixed.values() for ask in asks)


def varied(improver: Improver) -> Nodes:
    for ask in improver.asks:
        for name in ("message", "expertise"):
            argument = improver.argument(ask, name)
            for node in {} if argument is None else improver.made_of(argument):
                values: list[Any] = (
                    getattr(node, "elts", None) or getattr(node, "values", None) or []
                )
                is_list = isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict))
                in_join = name_of(improver.parent.get(node)) == "join"
                prose = [one for one in values if one is not None and _words(one)]
                if is_list and not in_join and len(prose) > 1:
                    yield from (node, ask)


def _words(node: ast.AST) -> bool:
    texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
    return any(isinstance(one, str) and " " in one.strip() for one in texts)


def caching(improver: Improver) -> Nodes:
    memos = {"cache", "lru_cache", "memoize"}
    for node in improver.nodes:
        match node:
            case ast.Call(args=[what]) if name_of(node) in memos and improver.has_score(what):
                yield node
            case ast.FunctionDef(decorator_list=decorators):
                if {name_of(one) for one in decorators} & memos and _scores_in(improver, node):
                    yield node
            case ast.Compare(left=key, ops=[ast.In() | ast.NotIn()], comparators=[held]):
                yield from _looked_up(improver, node, key, held)
            case ast.Call(func=ast.Attribute(value=held, attr="get"), args=[key, *_]):
                yield from _looked_up(improver, node, key, held)
            case ast.Call(args=[what]) if name_of(node) in ("set", "fromkeys"):
                if name_of(improver.parent[node]) != "len" and improver.has_program(what):
                    yield node


def _looked_up(improver: Improver, node: ast.AST, key: ast.AST, held: ast.AST) -> Nodes:
    """A program is looked for in what programs are put into, where programs are scored."""
    puts = [one for one in improver.given(held) or () if one.inside]
    scored = any(improver.has_score(one.value) for one in puts if one.value is not None)
    added = any(isinstance(one.by, ast.Call) for one in puts)
    is_program = improver.has_program(key) or _is_scored_here(improver, key)
    if is_program and (scored or added) and _scores_in(improver, improver.scope(node)):
        yield node


def _is_scored_here(improver: Improver, node: ast.AST) -> bool:
    """Whether a name's program is scored by the same function."""
    calls = [one for one in improver.scorings if improver.scope(one) is improver.scope(node)]
    scored = {name_of(arg) for call in calls for arg in getattr(call, "args", ())} - {""}
    return name_of(node) in scored


def _scores_in(improver: Improver, function: ast.AST) -> bool:
    """Whether a function scores, itself or by one that it calls."""
    calls = [one for one in ast.walk(function) if isinstance(one, ast.Call)]
    inner = [called for one in calls for called, _ in improver.called(one)]
    parts = (part for one in (function, *inner) for part in ast.walk(one))
    return not improver.scorings.isdisjoint(parts)


def self_tests(improver: Improver) -> Nodes:
    """What checks, or a function that does, decides about a program of a reply."""
    checkers = set(_CHECKS)
    for _ in range(2):  # what calls one is one, too
        for name, functions in improver.functions.items():
            parts = {name_of(part) for one in functions for part in ast.walk(one)}
            checkers |= {name} - {ENTRY} if parts & checkers else set()
    for node in improver.nodes:
        tests = [node.test] if isinstance(node, (ast.If, ast.IfExp)) else getattr(node, "ifs", [])
        for test in tests:
            calls = [one for one in ast.walk(test) if isinstance(one, ast.Call)]
            checks = [one for one in calls if name_of(one) in checkers]
            yield from (one for one in checks if any(map(improver.has_program, one.args)))
            if improver.has_program(test) and not improver.has_score(test) and _judges(test):
                yield node
        if isinstance(node, ast.Try) and any(leaves(one.body) for one in node.handlers):
            called = [one for one in ast.walk(node.body[0]) if name_of(one) in _CHECKS]
            inner = [arg for one in called for arg in getattr(one, "args", ())]
            used = any(improver.has_program(one) or _is_scored_here(improver, one) for one in inner)
            if used and _scores_in(improver, improver.scope(node)):
                yield called[0]


def _judges(test: ast.AST) -> bool:
    """Whether a reply is asked for a verdict, as in `"yes" in reply.lower()`."""
    texts = [one.value for one in ast.walk(test) if isinstance(one, ast.Constant)]
    return any(isinstance(one, str) and _VERDICT.match(one) for one in texts)


def early_stop(improver: Improver) -> Nodes:
    loops = {loop for ask in improver.asks for loop in improver.loops(ask)}
    for loop in loops:
        tests = [loop.test] if isinstance(loop, ast.While) else []
        for node in ast.walk(loop):
            if isinstance(node, (ast.Break, ast.Return)):
                inner = next(one for one in improver.around(node) if isinstance(one, LOOPS))
                if inner is loop or isinstance(node, ast.Return):
                    tests += improver.tests(node)
        for one in (part for test in tests for part in ast.walk(test)):
            if isinstance(one, ast.Compare) and isinstance(one.ops[0], _ORDERS):
                yield from [one] if improver.has_score(one) else []


def threads(improver: Improver) -> Nodes:
    used = {*improver.asks, *improver.scorings}
    yield from (one for one in used if name_of(one) in ("start", "start_batch", "start_map"))
    for node in improver.nodes:
        if isinstance(node, ast.Call) and name_of(node) in (*_POOLS, "submit", "map"):
            pool = getattr(node.func, "value", node)
            if name_of(node) == "map" and not {*map(name_of, improver.made_of(pool))} & _POOLS:
                continue
            run = [word.value for word in node.keywords if word.arg == "target"] or node.args[:1]
            for one in run:
                functions = improver.functions.get(name_of(one), [one])
                if used & {part for f in functions for part in ast.walk(f)}:
                    yield node
