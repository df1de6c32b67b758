"""Signs of strategies in the programs that prompts hold."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import NamedTuple

from selftaught.analysis.strategies.observed import Candidate
from selftaught.analysis.strategies.shown import MIN_CHARS, ShownPrompt, ShownRun
from selftaught.analysis.strategies.signs import Sign

MERGING = re.compile(
    r"\b(merg|combin|unit(?:e|es|ing)\b|unif|synthes|blend|fus(?:e|es|ing|ion)\b|hybrid|integrat|"
    r"together\b|amalgam|consolidat|(?:strengths|strong points|advantages|merits|best) of\b)",
    re.IGNORECASE,
)
_FULL_ROUND = 2


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
