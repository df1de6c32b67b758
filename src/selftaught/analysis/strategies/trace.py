"""Strategies that the calls of an improver show: rules over what its runs did.

A run is gone through once, in the order of its events, so the time they take is that of reading
the journal's texts.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from selftaught.analysis.guest_programs.strategies import MERGING
from selftaught.analysis.strategies.observed import ObservedRun, Prompt
from selftaught.journal.study_events import StrategyFinding


@dataclass(frozen=True, slots=True)
class Round:
    """A call for programs after the first, and how things stood before it.

    Attributes:
        asked: its prompts for programs, each with the marks of the programs that it shows: earlier
            replies, or else the one to begin with.
        keys: of those that show an earlier reply.
        best: marks of the programs of the highest score so far.
        ranked: scores so far, the best first; as many as different programs are expanded, and one.
        latest: marks of the programs that the call before it brought.
    """

    asked: tuple[tuple[Prompt, tuple[int | None, ...]], ...]
    keys: list[str]
    best: frozenset[int]
    ranked: tuple[float, ...]
    latest: frozenset[int]


@dataclass(frozen=True, slots=True)
class Seen:
    """A run as its rules see it: `asking` are all prompts whose programs were scored."""

    run: ObservedRun
    asking: tuple[Prompt, ...]
    rounds: tuple[Round, ...]
    values: Mapping[int, float]


def seen_as(run: ObservedRun) -> Seen:
    """One run, gone through once."""
    keys = _asking(run)
    initial = None if run.initial is None else run.initial.mark
    falling, values, rounds = list[float](), dict[int, float](), list[Round]()
    most = max(map(len, run.rounds), default=0) + 1
    best, earlier, latest = set[int](), set[int](), frozenset[int]()
    for number, prompts in enumerate(((), *run.rounds)):
        asked = []
        for prompt in prompts if number > 1 else ():
            if prompt.key in keys:
                shown = tuple(mark for mark in prompt.held if mark in earlier)
                asked.append((prompt, shown or (initial,)))
        if asked:
            later = [prompt.key for prompt, shown in asked if shown[0] in earlier]
            ranked = falling[: len({shown[0] for _, shown in asked}) + 1]
            top = tuple(-value for value in ranked)
            rounds.append(Round(tuple(asked), later, frozenset(best), top, latest))
        found = [one for prompt in prompts for one in prompt.candidates]
        for one in found if number else filter(None, [run.initial]):
            if one.value is not None and one.mark not in values:
                insort(falling, -one.value)
                del falling[most:]
                values[one.mark] = one.value
                if one.value == -falling[0]:
                    best = {other for other in best if values[other] == one.value} | {one.mark}
        latest = frozenset(one.mark for one in found)
        earlier |= latest - {initial}
    asking = tuple(one for prompts in run.rounds for one in prompts if one.key in keys)
    return Seen(run, asking, tuple(rounds), values)


def _asking(run: ObservedRun) -> frozenset[str]:
    """Prompts whose programs were scored.

    Where the same program came of several prompts, those count that had another scored as well.
    """
    used = {
        prompt.key: {one.mark for one in prompt.candidates if one.is_scored}
        for prompts in run.rounds
        for prompt in prompts
    }
    times = Counter(mark for marks in used.values() for mark in marks)
    sure = {key for key, marks in used.items() if any(times[one] == 1 for one in marks)}
    covered = {mark for key in sure for mark in used[key]}
    return frozenset(sure | {key for key, marks in used.items() if marks - covered})


# --- the rules ------------------------------------------------------------------------------------

# What one run shows of a strategy: how much, and by which calls; None if it is not so.
Sign: TypeAlias = tuple[int, list[str]] | None
Rule: TypeAlias = Callable[[Seen], Sign]


def _incumbent(seen: Seen) -> Sign:
    """Rounds count in which the best so far is not what the round before brought."""
    keys, weight = list[str](), 0
    for one in seen.rounds:
        (first, *others), *more = {shown for _, shown in one.asked}
        if others or more or first not in one.best:
            return None
        keys += one.keys
        weight += first not in one.latest
    return (weight, keys) if keys else (0, [])


def _beam(seen: Seen) -> Sign:
    """The best few so far each get prompts of their own, in equal shares."""
    keys, weight, is_against = list[str](), 0, False
    for one in seen.rounds:
        shares: Counter[int | None] = Counter()
        for prompt, shown in one.asked:
            shares[shown[0]] += max(1, len(prompt.candidates))
        if len(shares) < 2 or None in shares or any(len(shown) > 1 for _, shown in one.asked):
            continue
        values = [seen.values.get(mark or 0, float("-inf")) for mark in shares]
        is_even = max(shares.values()) - min(shares.values()) <= 1
        if not is_even or tuple(sorted(values, reverse=True)) != one.ranked[: len(shares)]:
            is_against = True
        elif len(one.ranked) > len(shares):
            weight += 1
            keys += one.keys
    return None if is_against else (weight, keys)


def _genetic(seen: Seen) -> Sign:
    """In two generations or more, prompts each hold two parents, and not always the same."""
    parents = [{frozenset(shown) for _, shown in one.asked} for one in seen.rounds]
    changing = [len(one) > 1 and any(len(pair) == 2 for pair in one) for one in parents]
    keys = [
        key for one, is_so in zip(seen.rounds, changing, strict=True) if is_so for key in one.keys
    ]
    return int(sum(changing) > 1), keys


def _ensemble(seen: Seen) -> Sign:
    """A prompt asks to merge several candidates, in words that the first did not have."""
    alike = (one for one in seen.rounds if len({shown for _, shown in one.asked}) == 1)
    several = [prompt for one in alike for prompt, shown in one.asked if len(shown) > 1]
    usual = _merging(*seen.run.rounds[0]) if several else set()
    keys = [prompt.key for prompt in several if _merging(prompt) - usual]
    return len(keys), keys


def _merging(*prompts: Prompt) -> set[str]:
    return {found.lower() for one in prompts for found in MERGING.findall(one.words)}


def _differ(what: str) -> Rule:
    def rule(seen: Seen) -> Sign:
        is_one = len({getattr(one, what) for one in seen.asking}) < 2
        return (0, []) if is_one else (1, [one.key for one in seen.asking])

    return rule


def _caching(seen: Seen) -> Sign:
    """Of equal programs in the replies one was scored: all are known, and that many uses taken."""
    candidates = [one for prompt in seen.asking for one in prompt.candidates]
    times, uses = Counter(one.mark for one in candidates), seen.run.uses
    if uses is None or len(times) == len(candidates):
        return 0, []
    # The program to begin with may have been scored, too.
    if uses > min(len(times) + 1, len(candidates) - 1):
        return None if uses > len(times) + 1 else (0, [])
    again = [p.key for p in seen.asking if any(times[one.mark] > 1 for one in p.candidates)]
    is_known = all(one.is_scored for one in candidates) and uses >= len(times)
    return (1, again) if is_known else (0, [])


# Each with how much it takes, over all runs, to show its strategy.
_RULES: Mapping[str, tuple[Rule, int, str]] = {
    "beam_search": (_beam, 1, "the best few so far each get prompts of their own"),
    "genetic_algorithm": (_genetic, 1, "prompts hold changing pairs of programs"),
    "iteration_from_incumbent": (_incumbent, 3, "each later prompt holds the best program so far"),
    "ensemble": (_ensemble, 1, "several candidates are merged into one program"),
    "temperature_schedule": (
        *(_differ("temperature"), 1, "prompts for programs have different temperatures"),
    ),
    "varied_prompts": (_differ("system"), 1, "prompts for programs have different expertises"),
    "caching": (_caching, 1, "equal programs in the replies took one use of the utility"),
}


def seen_in(runs: Iterable[ObservedRun]) -> tuple[tuple[StrategyFinding, ...], int]:
    """What an improver's runs show, and how many there were."""
    signs: dict[str, list[Sign]] = {name: [] for name in _RULES}
    total = 0
    for run in runs:
        total, seen = total + 1, seen_as(run)
        for name, (rule, *_) in _RULES.items():
            signs[name].append(rule(seen))
    found = []
    for name, (_, enough, evidence) in _RULES.items():
        known = [one for one in signs[name] if one is not None]
        if len(known) == total and sum(weight for weight, _ in known) >= enough:
            calls = tuple(dict.fromkeys(key for _, keys in known for key in keys))
            said = f"in {sum(bool(keys) for _, keys in known)} of {total} runs {evidence}"
            found.append(StrategyFinding("trace", name, said, calls=calls))
    return tuple(found), total
