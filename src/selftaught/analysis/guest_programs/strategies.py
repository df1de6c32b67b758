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

from selftaught.analysis.guest_programs.improver import RANDOM, Improver, Nodes
from selftaught.analysis.guest_programs.program import ENTRY, FUNCTIONS, name_of
from selftaught.analysis.guest_programs.thrift import (
    caching,
    early_stop,
    self_tests,
    temperature,
    threads,
    varied,
)

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
    return _shown(improver, "frontier")


def _genetic(improver: Improver) -> Nodes:
    for ask in improver.asks:
        for draw in improver.chosen(ask).get("draw", []) if improver.loops(ask) else []:
            if improver.has_score(draw):
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
        words = MERGING.search(improver.texts(improver.argument(ask, "message")))
        if several and words and "draw" not in chosen:
            yield from (ask, *several)


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
            by_chance = {name_of(part) for part in ast.walk(node.test)} & RANDOM
            body = node.body if isinstance(node.body, list) else [node.body]
            inside = {name_of(part) for one in body for part in ast.walk(one)}
            others = [one for one in ast.walk(improver.scope(node)) if isinstance(one, ast.Call)]
            best = [one for one in others if name_of(one) in ("max", "argmax", "sorted")]
            if by_chance and inside & draws and any(map(improver.has_score, best)):
                yield node


RULES: dict[str, Rule] = {
    "beam_search": _beam,
    "tree_search": _tree,
    "genetic_algorithm": _genetic,
    "simulated_annealing": _annealing,
    "local_search": _local,
    "iteration_from_incumbent": _incumbent,
    "decomposition": _decomposition,
    "ensemble": _ensemble,
    "prompt_bandit": _prompt_bandit,
    "solution_bandit": _solution_bandit,
    "epsilon_greedy": _epsilon,
    "temperature_schedule": temperature,
    "varied_prompts": varied,
    "caching": caching,
    "self_tests": self_tests,
    "early_stop": early_stop,
    "multithreading": threads,
}


def read(source: str) -> dict[str, Any]:
    """The strategies of a program.

    Returns: `{"found": [[strategy, lines]], "unreadable": None | why}`.
    """
    try:
        improver = Improver(source)
        if not any(isinstance(one, FUNCTIONS) for one in improver.functions.get(ENTRY, ())):
            return {"found": [], "unreadable": f"it defines no {ENTRY}"}
        found = []
        for name, rule in RULES.items():
            lines = {getattr(node, "lineno", 0) for node in rule(improver)} - {0}
            if lines:
                found.append([name, sorted(lines)])
    except SyntaxError as error:
        return {"found": [], "unreadable": f"line {error.lineno}: {error.msg}"}
    except (ValueError, RecursionError, MemoryError) as error:
        return {"found": [], "unreadable": f"{type(error).__name__}: {error}"[:300]}
    return {"found": found, "unreadable": None}
