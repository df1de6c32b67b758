"""Strategies that the calls of an improver show, over all its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from selftaught.analysis.strategies.call_signs import (
    caching,
    decomposition,
    prompt_bandit,
    self_tests,
    temperature_schedule,
)
from selftaught.analysis.strategies.found import TraceFinding
from selftaught.analysis.strategies.observed import ObservedRun
from selftaught.analysis.strategies.selection_signs import (
    beam_search,
    ensemble,
    genetic_algorithm,
    iteration_from_incumbent,
    simulated_annealing,
)
from selftaught.analysis.strategies.shown import ShownRun, shown_run
from selftaught.analysis.strategies.signs import Sign

Rule: TypeAlias = Callable[[ShownRun], Sign]


@dataclass(frozen=True, slots=True)
class _Told:
    """A rule, how much it takes to prove its strategy (None: it cannot), and its words."""

    rule: Rule
    enough: int | None
    evidence: str


_RULES: Mapping[str, _Told] = {
    "beam_search": _Told(beam_search, 1, "the best few so far each get prompts of their own"),
    "genetic_algorithm": _Told(genetic_algorithm, 1, "prompts hold changing pairs of programs"),
    "simulated_annealing": _Told(
        simulated_annealing, None, "prompts hold a program that is worse than the best so far"
    ),
    "iteration_from_incumbent": _Told(
        iteration_from_incumbent, 3, "each later prompt holds the best program so far"
    ),
    "decomposition": _Told(decomposition, 2, "replies are put into programs as parts of them"),
    "ensemble": _Told(ensemble, 1, "several candidates are merged into one program"),
    "prompt_bandit": _Told(prompt_bandit, None, "prompts for programs have different expertises"),
    "temperature_schedule": _Told(
        temperature_schedule, 1, "prompts for programs have different temperatures"
    ),
    "caching": _Told(caching, 1, "equal programs in the replies took one use of the utility"),
    "self_tests": _Told(self_tests, None, "some programs of the replies were not scored"),
}


def seen_in(runs: Iterable[ObservedRun]) -> tuple[tuple[TraceFinding, ...], int]:
    """What an improver's runs show, and how many there were."""
    weights: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    against: set[str] = set()
    calls: dict[str, list[str]] = {name: [] for name in _RULES}
    total = 0
    for run in runs:
        total += 1
        shown = shown_run(run)
        for name, told in _RULES.items():
            sign = told.rule(shown)
            if sign.is_against:
                against.add(name)
            weights[name] += sign.weight
            if sign.calls:
                counts[name] += 1
                calls[name].extend(sign.calls)
    found = tuple(
        TraceFinding(
            name,
            tuple(dict.fromkeys(calls[name])),
            counts[name],
            told.evidence,
            told.enough is not None and weights[name] >= told.enough and name not in against,
        )
        for name, told in _RULES.items()
        if counts[name]
    )
    return found, total
