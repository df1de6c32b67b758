"""Strategies that the calls of an improver show, run by run."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from selftaught.analysis.strategies.found import TraceFinding
from selftaught.analysis.strategies.observed import Candidate, ObservedRun
from selftaught.analysis.strategies.shown import MIN_CHARS, ShownPrompt, ShownRun, shown_run

MERGING = re.compile(
    r"\b(merg|combin|unit(?:e|es|ing)\b|unif|synthes|blend|fus(?:e|es|ing|ion)\b|hybrid|integrat|"
    r"together\b|amalgam|consolidat|(?:strengths|strong points|advantages|merits|best) of\b)",
    re.IGNORECASE,
)
_MAX_CALLS = 20
_FULL_ROUND = 2


@dataclass(slots=True)
class Sign:
    """What one run shows of a strategy.

    Attributes:
        calls: that show it.
        weight: how much they show: it takes `_ENOUGH` of it, over all runs.
        is_against: whether the run shows that it is not so.
    """

    calls: list[str] = field(default_factory=list)
    weight: int = 0
    is_against: bool = False


Rule = Callable[[ShownRun], Sign]


def temperature_schedule(run: ShownRun) -> Sign:
    """Prompts for programs have different temperatures."""
    asked = [
        one.prompt for shown in run.rounds for one in shown if run.asks_for_program(one.prompt)
    ]
    if len({prompt.temperature for prompt in asked}) < 2:
        return Sign()
    return Sign([prompt.key for prompt in asked], 1)


def iteration_from_incumbent(run: ShownRun) -> Sign:
    """Each prompt for a program after the first round holds the best one so far.

    Rounds count in which that is not what the round before brought: they tell the best from the
    latest.
    """
    sign = Sign()
    if run.initial is None:
        return sign
    is_reply = False
    for place, shown in enumerate(run.rounds[1:], 1):
        asked = [one for one in shown if run.asks_for_program(one.prompt)]
        best = run.best_before(place)
        if not asked or best is None:
            continue
        held = {frozenset(one.program_id for one in prompt.held) for prompt in asked}
        if len(held) > 1 or any(len(one.held) > 1 for one in asked):
            return Sign(is_against=True)  # a pool, or a merge: another strategy's
        current = asked[0].held[0] if asked[0].held else run.initial
        if current.program_id not in best[1]:
            return Sign(is_against=True)
        latest = [c for one in run.rounds[place - 1] for c in one.prompt.candidates]
        is_reply |= bool(asked[0].held)
        sign.calls += [one.prompt.key for one in asked if one.held]
        sign.weight += current.program_id not in {one.program_id for one in latest}
    return sign if is_reply else Sign()


def beam_search(run: ShownRun) -> Sign:
    """The best few so far each get prompts of their own, in equal shares."""
    sign = Sign()
    for place, shown in enumerate(run.rounds[1:], 1):
        chosen = _expanded(run, place, shown)
        if chosen is None:
            continue
        counts, ranked = chosen
        values = sorted(one.value for one in ranked if one.program_id in counts)
        top = sorted(one.value for one in ranked[: len(counts)])
        if values == top and max(counts.values()) - min(counts.values()) <= 1:
            if len(counts) < len(ranked):
                sign.weight += 1
                sign.calls += [one.prompt.key for one in shown if one.held]
        else:
            sign.is_against = True
    return sign


class Ranked(NamedTuple):
    """A program with its score."""

    program_id: str
    value: float


def _expanded(
    run: ShownRun, place: int, shown: tuple[ShownPrompt, ...]
) -> tuple[Counter[str], list[Ranked]] | None:
    """How many replies each program of a round brought, and all before by score.

    None if it is not a round in which several programs are shown one by one.
    """
    asked = [one for one in shown if run.asks_for_program(one.prompt)]
    if len(asked) < _FULL_ROUND or any(len(one.held) > 1 for one in asked):
        return None
    counts: Counter[str] = Counter()
    for one in asked:
        known = one.held[0] if one.held else run.initial
        if known is None:
            return None
        counts[known.program_id] += max(1, len(one.prompt.candidates))
    if len(counts) < _FULL_ROUND:
        return None
    known_before = {one.program_id: one for one in run.candidates_before(place)}
    if run.initial is not None:
        known_before[run.initial.program_id] = run.initial
    return counts, sorted(
        (
            Ranked(one.program_id, one.value)
            for one in known_before.values()
            if one.value is not None
        ),
        key=lambda one: -one.value,
    )


def genetic_algorithm(run: ShownRun) -> Sign:
    """In two generations or more, prompts each hold two parents, and not always the same."""
    sign = Sign()
    for shown in run.rounds[1:]:
        asked = [one for one in shown if run.asks_for_program(one.prompt)]
        pairs = {frozenset(c.program_id for c in one.held) for one in asked if len(one.held) == 2}
        parents = {frozenset(c.program_id for c in one.held) for one in asked}
        if pairs and len(parents) > 1:
            sign.weight += 1
            sign.calls += [one.prompt.key for one in asked]
    sign.weight = 1 if sign.weight > 1 else 0
    return sign


def ensemble(run: ShownRun) -> Sign:
    """A prompt asks to merge several candidates, or a scored program holds several."""
    sign = Sign()
    first = " ".join(one.words for one in run.rounds[0])
    for shown in run.rounds[1:]:
        asked = [one for one in shown if run.asks_for_program(one.prompt)]
        together = {frozenset(c.program_id for c in one.held) for one in asked}
        if len(together) != 1 or len(next(iter(together))) < 2:
            continue
        for one in asked:
            words = [found for found in MERGING.findall(one.words) if found not in first]
            if words:
                sign.calls.append(one.prompt.key)
                sign.weight += 1
    for whole in _committees(run):
        sign.weight += 1
        sign.calls += [
            one.prompt.key
            for shown in run.rounds
            for one in shown
            if any(_holds(whole, member) for member in one.prompt.candidates)
        ]
    return sign


def _committees(run: ShownRun) -> list[Candidate]:
    """Scored programs, no replies themselves, that hold the whole text of several candidates."""
    replies = {one.program_id: one for one in run.candidates if one.is_scored}
    return [
        whole
        for whole in run.run.scored.values()
        if whole.program_id not in replies
        and sum(_holds(whole, member) for member in replies.values()) > 1
    ]


def _holds(whole: Candidate, member: Candidate) -> bool:
    text = member.text.strip()
    if len(text) < MIN_CHARS or len(text) >= len(whole.text):
        return False
    written = (text, repr(text)[1:-1], json.dumps(text)[1:-1])
    return any(form in whole.text for form in written)


def caching(run: ShownRun) -> Sign:
    """Of equal programs in the replies one was scored: all are known, and that many uses taken."""
    candidates = [
        one
        for shown in run.rounds
        for prompt in shown
        if run.asks_for_program(prompt.prompt)
        for one in prompt.prompt.candidates
    ]
    different = {one.text.strip(): one for one in candidates}
    uses = run.run.uses
    if uses is None or len(different) == len(candidates):
        return Sign()
    # The program to begin with may have been scored, too.
    if uses > min(len(different) + 1, len(candidates) - 1):
        return Sign(is_against=uses > len(different) + 1)
    if uses < len(different) or not all(one.is_scored for one in different.values()):
        return Sign()
    seen: set[str] = set()
    calls = []
    for shown in run.rounds:
        for one in shown:
            texts = [candidate.text.strip() for candidate in one.prompt.candidates]
            if any(text in seen for text in texts) or len(set(texts)) < len(texts):
                calls.append(one.prompt.key)
            seen.update(texts)
    return Sign(calls, 1)


def decomposition(run: ShownRun) -> Sign:
    """Replies stand in scored programs as parts of them."""
    calls = [
        one.prompt.key
        for shown in run.rounds
        for one in shown
        if any(candidate.program_id in run.pieces for candidate in one.prompt.candidates)
    ]
    return Sign(calls, len(run.pieces))


def self_tests(run: ShownRun) -> Sign:
    """Programs of replies to prompts for programs were left out when others were scored."""
    calls = []
    for shown in run.rounds:
        for one in shown:
            left = [c for c in one.prompt.candidates if not c.is_scored]
            if run.asks_for_program(one.prompt) and any(
                c.program_id not in run.pieces for c in left
            ):
                calls.append(one.prompt.key)
    return Sign(calls, len(calls))


def simulated_annealing(run: ShownRun) -> Sign:
    """Prompts hold one program, which is worse than the best so far."""
    sign = Sign()
    for place, shown in enumerate(run.rounds[1:], 1):
        best = run.best_before(place)
        for one in shown:
            if best is not None and len(one.held) == 1 and run.asks_for_program(one.prompt):
                value = one.held[0].value
                if value is not None and value < best[0]:
                    sign.calls.append(one.prompt.key)
                    sign.weight += 1
    return sign


def prompt_bandit(run: ShownRun) -> Sign:
    """The words around the programs are others in other calls."""
    words: dict[str, list[str]] = {}
    for shown in run.rounds:
        for one in shown:
            if run.asks_for_program(one.prompt):
                words.setdefault(one.prompt.system, []).append(one.prompt.key)
    if len(words) < 2:
        return Sign()
    return Sign([key for keys in words.values() for key in keys], 1)


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
            tuple(dict.fromkeys(calls[name]))[:_MAX_CALLS],
            counts[name],
            told.evidence,
            told.enough is not None and weights[name] >= told.enough and name not in against,
        )
        for name, told in _RULES.items()
        if counts[name]
    )
    return found, total
