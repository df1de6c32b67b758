"""Search strategies in an improver's text: one rule each, over how it asks, scores and chooses.

`read` is called in a guest with a program's text, which is hostile. A rule gives the nodes that
show its strategy. Names and comments do not count; of the prompts' words those do that ask to merge
programs, to change one part only, or to change little.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from selftaught.analysis.guest_programs.improver import RANDOM, Improver
from selftaught.analysis.guest_programs.program import ENTRY, FUNCTIONS, LOOPS, name_of

Nodes: TypeAlias = Iterator[ast.AST]
Rule: TypeAlias = Callable[[Improver], Nodes]

_MERGING = re.compile(
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
# A program around others, written out in the improver.
_WRITTEN = re.compile(r"\bdef .*\breturn\b", re.DOTALL)
_VERDICT = re.compile(r"^\W*(?:yes|no|ok|pass|fail|valid|invalid|correct|accept|reject)", re.I)
_LEAVES = (ast.Continue, ast.Break, ast.Return, ast.Raise)
_ORDERS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_CHECKS = {"compile", "parse", "exec", "eval", "literal_eval"}
_POOLS = {"ThreadPoolExecutor", "ProcessPoolExecutor", "ThreadPool", "Pool", "Thread", "Process"}


def _shown(improver: Improver, *kinds: str, without: tuple[str, ...] = ()) -> Nodes:
    """Where repeated requests choose programs in one of these ways, and in none of the others."""
    for ask in improver.asks:
        chosen = improver.chosen(ask) if improver.loops(ask) else {}
        if not any(kind in chosen for kind in without):
            nodes = [one for kind in kinds for one in chosen.get(kind, ())]
            yield from (*nodes, *([ask] if nodes else ()))


def _beam(improver: Improver) -> Nodes:
    yield from _shown(improver, "top", "frontier", without=("draw",))
    yield from _solution_bandit(improver)


def _tree(improver: Improver) -> Nodes:
    yield from _shown(improver, "frontier")
    for node in improver.nodes:  # self.children.append(Node(...))
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr=held), attr="append")):
                made = [part for one in node.args for part in improver.made_of(one)]
                classes = {name_of(one) for one in made if isinstance(one, ast.Call)}
                owners = {
                    improver.scope(improver.scope(one.by)) for one in improver.attributes[held]
                }
                if any(getattr(owner, "name", "") in classes for owner in owners):
                    yield node


def _genetic(improver: Improver) -> Nodes:
    for ask in improver.asks:
        for draw in improver.chosen(ask).get("draw", []) if improver.loops(ask) else []:
            made = [one for one in improver.made_of(draw) if one is not draw]
            is_weighted = any(getattr(one, "arg", "") in ("weights", "p") for one in made)
            is_of_best = any(improver.choice(one) in ("top", "best", "draw") for one in made)
            is_contest = name_of(draw) in ("max", "min")
            if improver.has_score(draw) and (is_weighted or is_of_best or is_contest):
                yield from (draw, ask)


def _annealing(improver: Improver) -> Nodes:
    return _shown(improver, "walk")


_OTHERS = ("draw", "top", "frontier", "walk", "other", "latest")


def _incumbent(improver: Improver) -> Nodes:
    return _shown(improver, "best", without=_OTHERS)


def _local(improver: Improver) -> Nodes:
    for ask in improver.asks:
        if _SMALL.search(improver.texts(improver.argument(ask, "message"))):
            chosen = improver.chosen(ask) if improver.loops(ask) else {}
            if ("best" in chosen or "walk" in chosen) and not {"draw", "top", "frontier"} & {
                *chosen
            }:
                yield from (ask, *chosen.get("best", ()), *chosen.get("walk", ()))


def _decomposition(improver: Improver) -> Nodes:
    for ask in improver.asks:
        if _ONE_PART.search(improver.texts(improver.argument(ask, "message"))):
            yield ask


def _ensemble(improver: Improver) -> Nodes:
    for ask in improver.asks:
        chosen = improver.chosen(ask)
        several = [node for kind in ("joined", "top", "latest") for node in chosen.get(kind, ())]
        items = [one for one in chosen.get("best", ()) if isinstance(one, ast.Subscript)]
        several += items if len({ast.dump(one.slice) for one in items}) > 1 else []
        words = _MERGING.search(improver.texts(improver.argument(ask, "message")))
        if several and words and "draw" not in chosen:
            yield from (ask, *several)
    for node in improver.judged():
        text = node.value if isinstance(node, ast.Constant) else ""
        if isinstance(text, str) and _WRITTEN.search(text):
            yield node


def _choices_of_words(improver: Improver) -> Iterator[tuple[ast.Call, ast.AST, ast.AST, ast.AST]]:
    """Request, choice of some of its words, what they are chosen from, and by what."""
    for ask in improver.asks:
        for name in ("message", "expertise"):
            argument = improver.argument(ask, name)
            for node in {} if argument is None else improver.made_of(argument):
                match node:
                    case ast.Call(args=[pool, *_], keywords=[ast.keyword(value=by), *_]):
                        if name_of(node) in ("max", "min", "choices", "choice", "sorted"):
                            yield ask, node, pool, by
                    case ast.Subscript(value=pool, slice=by):
                        yield ask, node, pool, by


def _prompt_bandit(improver: Improver) -> Nodes:
    for ask, node, pool, by in _choices_of_words(improver):
        if improver.has_score(by) and improver.prose(pool):
            yield from (ask, node)


def _solution_bandit(improver: Improver) -> Nodes:
    for ask in improver.asks:
        chosen = improver.chosen(ask)
        for node in (*chosen.get("best", ()), *chosen.get("frontier", ())):
            keys = [one.value for one in getattr(node, "keywords", ()) if one.arg == "key"]
            names = {name_of(one) for key in keys for one in improver.made_of(key)}
            if {"sqrt", "log"} <= names or names & {"beta", "betavariate"}:
                yield from (ask, node)


def _epsilon(improver: Improver) -> Nodes:
    draws = {"choice", "choices", "sample", "randrange", "randint", "integers"}
    for node in improver.nodes:
        if isinstance(node, (ast.If, ast.IfExp)):
            tests = [one for one in ast.walk(node.test) if isinstance(one, ast.Compare)]
            by_chance = any({name_of(part) for part in ast.walk(one)} & RANDOM for one in tests)
            body = node.body if isinstance(node.body, list) else [node.body]
            inside = {name_of(part) for one in body for part in ast.walk(one)}
            others = [one for one in ast.walk(improver.scope(node)) if isinstance(one, ast.Call)]
            best = [one for one in others if name_of(one) in ("max", "argmax", "sorted")]
            if by_chance and inside & draws and any(map(improver.has_score, best)):
                yield node


def _temperature(improver: Improver) -> Nodes:
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


def _varied(improver: Improver) -> Nodes:
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


def _caching(improver: Improver) -> Nodes:
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
            case ast.Try(body=body, handlers=handlers):
                if "KeyError" in {name_of(one.type) for one in handlers}:
                    for part in ast.walk(body[0]):
                        if isinstance(part, ast.Subscript):
                            yield from _looked_up(improver, node, part.slice, part.value)
            case ast.Call(args=[what]) if name_of(node) in ("set", "fromkeys"):
                if name_of(improver.parent[node]) != "len" and improver.has_program(what):
                    yield node
            case ast.SetComp() if improver.has_program(node):
                yield node


def _looked_up(improver: Improver, node: ast.AST, key: ast.AST, held: ast.AST) -> Nodes:
    """A program is looked for in what programs are put into, where programs are scored."""
    puts = [one for one in improver.given(held) or () if one.inside]
    values = [one.value for one in puts if one.value is not None]
    scored = any(map(improver.has_score, values))
    marked = any(isinstance(one.by, ast.Call) for one in puts) or any(map(_is_true, values))
    is_test = scored and not isinstance(node, ast.Call) and not improver.prose(key)
    is_program = is_test or improver.has_program(key) or _is_scored_here(improver, key)
    if is_program and (scored or marked) and _scores_in(improver, improver.scope(node)):
        yield node


def _is_scored_here(improver: Improver, node: ast.AST) -> bool:
    """Whether a name's program is scored by the same function."""
    calls = [one for one in improver.scorings if improver.scope(one) is improver.scope(node)]
    scored = {name_of(arg) for call in calls for arg in getattr(call, "args", ())} - {""}
    return name_of(node) in scored


def _is_true(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _scores_in(improver: Improver, function: ast.AST) -> bool:
    """Whether a function scores, itself or by one that it calls."""
    calls = [one for one in ast.walk(function) if isinstance(one, ast.Call)]
    inner = [called for one in calls for called, _ in improver.called(one)]
    parts = (part for one in (function, *inner) for part in ast.walk(one))
    return not improver.scorings.isdisjoint(parts)


def _self_tests(improver: Improver) -> Nodes:
    checkers = {
        name
        for name, functions in improver.functions.items()
        for one in functions
        if {name_of(part) for part in ast.walk(one)} & _CHECKS
    } - {ENTRY}
    # What calls one is one, too: `defines(code)` parses by another function.
    checkers |= {
        name
        for name, functions in improver.functions.items()
        for one in functions
        if {name_of(part) for part in ast.walk(one)} & checkers
        and any(isinstance(part, ast.Return) for part in ast.walk(one))
    } - {ENTRY}
    for node in improver.nodes:
        for test in _conditions(node):
            names = {name_of(one): one for one in ast.walk(test) if isinstance(one, ast.Call)}
            for name in names.keys() & checkers:
                if any(map(improver.has_program, names[name].args)):
                    yield names[name]
            if improver.has_program(test) and not improver.has_score(test) and _judges(test):
                yield node
        if isinstance(node, ast.Try):
            checks = [one for one in ast.walk(node) if name_of(one) in _CHECKS]
            inner = [arg for one in checks for arg in getattr(one, "args", ())]
            used = any(improver.has_program(one) or _is_scored_here(improver, one) for one in inner)
            scored = any(one in improver.scorings for part in node.body for one in ast.walk(part))
            leaves = any(isinstance(one.body[-1], _LEAVES) for one in node.handlers)
            after = leaves and _scores_in(improver, improver.scope(node))
            if used and (scored or after):
                yield checks[0]


def _conditions(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.If(test=test) | ast.IfExp(test=test):
            return [test]
        case ast.comprehension(ifs=ifs):
            return ifs
        case ast.Call(func=ast.Name(id="filter"), args=[test, _]):
            return [test]
    return []


def _judges(test: ast.AST) -> bool:
    """Whether a reply is asked for a verdict, as in `"yes" in reply.lower()`."""
    texts = [one.value for one in ast.walk(test) if isinstance(one, ast.Constant)]
    return any(isinstance(one, str) and _VERDICT.match(one) for one in texts)


def _early_stop(improver: Improver) -> Nodes:
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


def _threads(improver: Improver) -> Nodes:
    for node in (*improver.asks, *improver.scorings):
        if name_of(node) in ("start", "start_batch", "start_map"):
            yield node
    for node in improver.nodes:
        if isinstance(node, ast.Call) and name_of(node) in (*_POOLS, "submit"):
            run = [word.value for word in node.keywords if word.arg == "target"] or node.args[:1]
            for one in run:
                functions = improver.functions.get(name_of(one), [one])
                if any(
                    part in improver.asks or part in improver.scorings
                    for f in functions
                    for part in ast.walk(f)
                ):
                    yield node
        match node:
            case ast.Call(func=ast.Attribute(value=pool, attr="map"), args=[_, *_]):
                if {name_of(one) for one in improver.made_of(pool)} & _POOLS:
                    yield node


RULES: dict[str, tuple[Rule, str]] = {
    "beam_search": (_beam, "the best few are kept, or wait in a frontier, and each is expanded"),
    "tree_search": (_tree, "programs wait in a frontier, or hang in a tree, to be expanded"),
    "genetic_algorithm": (_genetic, "parents are drawn by chance from a pool selected by score"),
    "simulated_annealing": (_annealing, "a worse program is accepted, ever more seldom"),
    "local_search": (_local, "small changes of one current program are asked for"),
    "iteration_from_incumbent": (_incumbent, "each prompt for a program holds the best one so far"),
    "decomposition": (_decomposition, "a prompt asks for one part of the program"),
    "ensemble": (_ensemble, "several candidates become one program"),
    "prompt_bandit": (_prompt_bandit, "words of a prompt are chosen by the scores they earned"),
    "solution_bandit": (_solution_bandit, "the program to go on from has the best upper bound"),
    "epsilon_greedy": (_epsilon, "by a small chance a random choice, else the best"),
    "temperature_schedule": (_temperature, "the temperature changes in the course of the run"),
    "varied_prompts": (_varied, "prompts take their words from a list"),
    "caching": (_caching, "an equal program is looked up, or dropped, before it is scored"),
    "self_tests": (_self_tests, "candidates are checked before they are scored"),
    "early_stop": (_early_stop, "it stops by what scores have come to"),
    "multithreading": (_threads, "requests or scorings run at the same time"),
}


def read(source: str) -> dict[str, Any]:
    """The strategies of a program.

    Returns: `{"found": [{"strategy", "lines", "evidence"}], "unreadable": None | why}`.
    """
    try:
        improver = Improver(source)
        if not any(isinstance(one, FUNCTIONS) for one in improver.functions.get(ENTRY, ())):
            return {"found": [], "unreadable": f"it defines no {ENTRY}"}
        found = []
        for name, (rule, evidence) in RULES.items():
            lines = {getattr(node, "lineno", 0) for node in rule(improver)} - {0}
            if lines:
                found.append({"strategy": name, "lines": sorted(lines), "evidence": evidence})
    except SyntaxError as error:
        return {"found": [], "unreadable": f"line {error.lineno}: {error.msg}"}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"found": [], "unreadable": f"{type(error).__name__}: {error}"[:300]}
    return {"found": found, "unreadable": None}
