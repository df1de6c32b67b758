"""Strategies that the calls of an improver show: rules over what its runs did.

Each sees a run in the order of its events; what a prompt holds is known by hashes of its lines. So
the time they take is that of reading the journal's texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from selftaught.analysis.guest_programs.strategies import MERGING
from selftaught.analysis.strategies.found import Finding
from selftaught.analysis.strategies.observed import ObservedRun
from selftaught.analysis.strategies.shown import Run, seen_as


@dataclass(slots=True)
class Sign:
    """What one run shows of a strategy.

    Attributes:
        calls: that show it.
        weight: how much they show; over all runs it takes a certain sum.
        is_against: whether the run shows that it is not so.
    """

    calls: list[str] = field(default_factory=list)
    weight: int = 0
    is_against: bool = False


def _incumbent(run: Run) -> Sign:
    """Rounds count in which the best so far is not what the round before brought."""
    sign = Sign()
    if run.run.initial is None:
        return sign
    initial, is_reply = run.run.initial.mark, False
    for one in run.rounds:
        if len({shown.held for shown in one.asked}) > 1 or len(one.asked[0].held) > 1:
            return Sign(is_against=True)  # a pool, or a merge: another strategy's
        held = one.asked[0].held
        current = held[0] if held else initial
        if current not in one.best:
            return Sign(is_against=True)
        is_reply |= bool(held)
        sign.calls += [shown.prompt.key for shown in one.asked if held]
        sign.weight += current not in one.latest
    return sign if is_reply else Sign()


def _beam(run: Run) -> Sign:
    """The best few so far each get prompts of their own, in equal shares."""
    sign = Sign()
    initial = None if run.run.initial is None else run.run.initial.mark
    for one in run.rounds:
        counts: Counter[int | None] = Counter()
        for shown in one.asked:
            parent = shown.held[0] if shown.held else initial
            counts[parent] += max(1, len(shown.prompt.candidates))
        is_single = all(len(shown.held) < 2 for shown in one.asked)
        if len(counts) < 2 or None in counts or not is_single:
            continue
        values = sorted(
            (run.values.get(mark, float("-inf")) for mark in counts if mark), reverse=True
        )
        if tuple(values) == one.top and max(counts.values()) - min(counts.values()) <= 1:
            if one.is_more:
                sign.weight += 1
                sign.calls += [shown.prompt.key for shown in one.asked if shown.held]
        else:
            sign.is_against = True
    return sign


def _genetic(run: Run) -> Sign:
    """In two generations or more, prompts each hold two parents, and not always the same."""
    sign = Sign()
    for one in run.rounds:
        parents = {frozenset(shown.held) for shown in one.asked}
        if any(len(pair) == 2 for pair in parents) and len(parents) > 1:
            sign.weight += 1
            sign.calls += [shown.prompt.key for shown in one.asked]
    sign.weight = 1 if sign.weight > 1 else 0
    return sign


def _annealing(run: Run) -> Sign:
    """Prompts hold one program, which is worse than the best so far."""
    calls = [
        shown.prompt.key
        for one in run.rounds
        for shown in one.asked
        if len(shown.held) == 1 and shown.held[0] in run.values and shown.held[0] not in one.best
    ]
    return Sign(calls, len(calls))


def _ensemble(run: Run) -> Sign:
    """A prompt asks to merge several candidates, or a scored program holds several."""
    sign = Sign([*run.merged], len(run.merged))
    first = " ".join(one.user for one in run.run.rounds[0]) if run.rounds else ""
    usual = {found.lower() for found in MERGING.findall(first)}
    for one in run.rounds:
        together = {frozenset(shown.held) for shown in one.asked}
        if len(together) == 1 and len(next(iter(together))) > 1:
            for shown in one.asked:
                if {found.lower() for found in MERGING.findall(shown.words)} - usual:
                    sign.calls.append(shown.prompt.key)
                    sign.weight += 1
    return sign


def _decomposition(run: Run) -> Sign:
    """Replies stand in scored programs as parts of them."""
    calls = [
        prompt.key
        for prompt in run.asking
        if any(one.mark in run.pieces for one in prompt.candidates)
    ]
    return Sign(calls, len(run.pieces))


def _temperature(run: Run) -> Sign:
    if len({prompt.temperature for prompt in run.asking}) < 2:
        return Sign()
    return Sign([prompt.key for prompt in run.asking], 1)


def _varied(run: Run) -> Sign:
    if len({prompt.system for prompt in run.asking}) < 2:
        return Sign()
    return Sign([prompt.key for prompt in run.asking], 1)


def _caching(run: Run) -> Sign:
    """Of equal programs in the replies one was scored: all are known, and that many uses taken."""
    candidates = [one for prompt in run.asking for one in prompt.candidates]
    different = {one.mark: one for one in candidates}
    uses = run.run.uses
    if uses is None or len(different) == len(candidates):
        return Sign()
    # The program to begin with may have been scored, too.
    if uses > min(len(different) + 1, len(candidates) - 1):
        return Sign(is_against=uses > len(different) + 1)
    if uses < len(different) or not all(one.is_scored for one in different.values()):
        return Sign()
    seen: set[int] = set()
    calls = []
    for prompt in run.asking:
        marks = [one.mark for one in prompt.candidates]
        if not seen.isdisjoint(marks) or len(set(marks)) < len(marks):
            calls.append(prompt.key)
        seen.update(marks)
    return Sign(calls, 1)


def _self_tests(run: Run) -> Sign:
    """Programs of replies to prompts for programs were left out when others were scored."""
    calls = [
        prompt.key
        for prompt in run.asking
        if any(not one.is_scored and one.mark not in run.pieces for one in prompt.candidates)
    ]
    return Sign(calls, len(calls))


class _Rule(NamedTuple):
    """A rule, how much it takes to prove its strategy (None: it cannot), and its words."""

    rule: Callable[[Run], Sign]
    enough: int | None
    evidence: str


_RULES: Mapping[str, _Rule] = {
    "beam_search": _Rule(_beam, 1, "the best few so far each get prompts of their own"),
    "genetic_algorithm": _Rule(_genetic, 1, "prompts hold changing pairs of programs"),
    "simulated_annealing": _Rule(
        _annealing, None, "prompts hold a program that is worse than the best so far"
    ),
    "iteration_from_incumbent": _Rule(
        _incumbent, 3, "each later prompt holds the best program so far"
    ),
    "decomposition": _Rule(_decomposition, 2, "replies are put into programs as parts of them"),
    "ensemble": _Rule(_ensemble, 1, "several candidates are merged into one program"),
    "prompt_bandit": _Rule(_varied, None, "prompts for programs have different expertises"),
    "varied_prompts": _Rule(_varied, 1, "prompts for programs have different expertises"),
    "temperature_schedule": _Rule(
        _temperature, 1, "prompts for programs have different temperatures"
    ),
    "caching": _Rule(_caching, 1, "equal programs in the replies took one use of the utility"),
    "self_tests": _Rule(_self_tests, None, "some programs of the replies were not scored"),
}


def seen_in(runs: Iterable[ObservedRun]) -> tuple[tuple[Finding, ...], int]:
    """What an improver's runs show, and how many there were."""
    weights: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    against: set[str] = set()
    calls: dict[str, list[str]] = {name: [] for name in _RULES}
    total = 0
    for observed in runs:
        total += 1
        run = seen_as(observed)
        for name, told in _RULES.items():
            sign = told.rule(run)
            against |= {name} if sign.is_against else set()
            weights[name] += sign.weight
            counts[name] += bool(sign.calls)
            calls[name] += sign.calls
    proved = {
        name for name, told in _RULES.items() if weights[name] >= (told.enough or float("inf"))
    }
    found = tuple(
        Finding(
            "trace",
            name,
            f"in {counts[name]} of {total} runs {told.evidence}",
            calls=tuple(dict.fromkeys(calls[name])),
            is_proof=name in proved - against,
        )
        for name, told in _RULES.items()
        if counts[name]
    )
    return found, total
