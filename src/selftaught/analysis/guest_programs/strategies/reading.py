"""The entry of the guest program."""

from __future__ import annotations

import ast
import sys
from typing import Any

from selftaught.analysis.guest_programs.strategies.decomposing import decomposition
from selftaught.analysis.guest_programs.strategies.ensembles import ensemble
from selftaught.analysis.guest_programs.strategies.facts import Facts
from selftaught.analysis.guest_programs.strategies.graph import Unreadable
from selftaught.analysis.guest_programs.strategies.prompting import (
    prompt_bandit,
    temperature_schedule,
)
from selftaught.analysis.guest_programs.strategies.screening import caching, self_tests
from selftaught.analysis.guest_programs.strategies.selection import (
    beam_search,
    genetic_algorithm,
    iteration_from_incumbent,
    simulated_annealing,
)
from selftaught.analysis.guest_programs.strategies.shown import shown_by
from selftaught.analysis.guest_programs.strategies.statements import Statements

MAX_CHARS = 200_000
_BY_PROGRAMS_SHOWN = (
    *(beam_search, genetic_algorithm, simulated_annealing),
    *(iteration_from_incumbent, ensemble),
)
_BY_FLOW = (decomposition, prompt_bandit, temperature_schedule, caching, self_tests)
_DEPTH = 4000


def read(source: str) -> dict[str, Any]:
    """The strategies of an improver.

    Returns: `{"unreadable": why | None, "found": [{"strategy", "lines", "evidence"}]}`.
    """
    if len(source) > MAX_CHARS:
        why = f"it has {len(source):,} characters, and at most {MAX_CHARS:,} are read"
        return {"unreadable": why, "found": []}
    sys.setrecursionlimit(max(_DEPTH, sys.getrecursionlimit()))
    try:
        facts = Facts(Statements().program(ast.parse(source)))
        found = _found(facts)
    except Unreadable as error:
        return {"unreadable": str(error), "found": []}
    except SyntaxError as error:
        return {"unreadable": f"line {error.lineno}: {error.msg}", "found": []}
    except (ValueError, RecursionError, MemoryError) as error:
        said = str(error).partition("\n")[0]
        return {"unreadable": f"{type(error).__name__}: {said}", "found": []}
    return {"unreadable": None, "found": found}


def _found(facts: Facts) -> list[dict[str, Any]]:
    shown = shown_by(facts)
    findings = [
        *(rule(facts, shown) for rule in _BY_PROGRAMS_SHOWN),
        *(rule(facts) for rule in _BY_FLOW),
    ]
    return [
        {
            "strategy": one.strategy,
            "lines": sorted(set(one.lines)),
            "evidence": one.evidence,
        }
        for one in findings
        if one is not None
    ]
