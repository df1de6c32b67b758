"""Strategies that the calls of an improver show: rules over what its runs did.

A run is gone through once, in the order of its events; a prompt's programs are known by hashes of
their lines. So the time they take is that of reading the journal's texts.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from selftaught.analysis.guest_programs.strategies import MERGING
from selftaught.analysis.strategies.observed import Candidate, ObservedRun, Prompt
from selftaught.analysis.strategies.texts import Programs, lines_of
from selftaught.journal.study_events import StrategyFinding


@dataclass(frozen=True, slots=True)
class Shown:
    """A prompt for a program: marks of the programs that it holds, and its other words."""

    prompt: Prompt
    held: tuple[int, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Round:
    """A call for programs after the first, and how things stood before it.

    Attributes:
        best: marks of the programs of the highest score so far.
        top: scores of the best so far, falling, as many as different programs are expanded.
        is_more: whether more programs than those are known.
        latest: marks of the programs that the call before it brought.
    """

    asked: tuple[Shown, ...]
    best: frozenset[int]
    top: tuple[float, ...]
    is_more: bool
    latest: frozenset[int]

    @property
    def keys(self) -> list[str]:
        """Of the prompts that hold an earlier reply."""
        return [one.prompt.key for one in self.asked if one.held]


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its rules see it: `asking` are all prompts whose programs were scored."""

    run: ObservedRun
    rounds: tuple[Round, ...]
    asking: tuple[Prompt, ...]
    values: Mapping[int, float]

    @property
    def initial(self) -> int | None:
        return None if self.run.initial is None else self.run.initial.mark


def seen_as(run: ObservedRun) -> Run:
    """One run, gone through once."""
    asking = _asking(run)
    initial = None if run.initial is None else run.initial.mark
    earlier, ranked, known = Programs(), list[float](), dict[int, float]()
    best: tuple[float, set[int]] = (float("-inf"), set())
    latest: frozenset[int] = frozenset()
    rounds: list[Round] = []

    def learn(one: Candidate) -> None:
        nonlocal best
        if one.value is not None and one.mark not in known:
            known[one.mark] = one.value
            insort(ranked, -one.value)
            if one.value > best[0]:
                best = one.value, set()
            if one.value == best[0]:
                best[1].add(one.mark)

    if run.initial is not None:
        learn(run.initial)
    for number, prompts in enumerate(run.rounds):
        asked = tuple(_shown(one, earlier) for one in prompts if one.key in asking)
        if number and asked:
            different = len({one.held[:1] for one in asked})
            top = tuple(-value for value in ranked[:different])
            is_more = len(ranked) > different
            rounds.append(Round(asked, frozenset(best[1]), top, is_more, latest))
        candidates = [one for prompt in prompts for one in prompt.candidates]
        for one in candidates:
            learn(one)
            if one.mark != initial:
                earlier.add(one.lines)
        latest = frozenset(one.mark for one in candidates)
    all_asking = tuple(p for prompts in run.rounds for p in prompts if p.key in asking)
    return Run(run, tuple(rounds), all_asking, known)


def _shown(prompt: Prompt, earlier: Programs) -> Shown:
    """One that holds no earlier reply is about the program to begin with."""
    lines = lines_of(f"{prompt.system}\n{prompt.user}")
    held: list[int] = []
    words: list[str] = []
    place = 0
    for start, end, mark in earlier.places_in(lines):
        words += lines[place:start]
        place = end
        held.append(mark)
    return Shown(prompt, tuple(dict.fromkeys(held)), "\n".join([*words, *lines[place:]]))


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


@dataclass(slots=True)
class Sign:
    """What one run shows of a strategy: by which calls, how much, or that it is not so."""

    calls: list[str] = field(default_factory=list)
    weight: int = 0
    is_against: bool = False


def _incumbent(run: Run) -> Sign:
    """Rounds count in which the best so far is not what the round before brought."""
    sign = Sign()
    for one in run.rounds:
        held = one.asked[0].held
        is_pool = len({shown.held for shown in one.asked}) > 1 or len(held) > 1
        if is_pool or (held[0] if held else run.initial) not in one.best:
            return Sign(is_against=True)
        sign.calls += one.keys
        sign.weight += (held[0] if held else run.initial) not in one.latest
    return sign if sign.calls else Sign()


def _beam(run: Run) -> Sign:
    """The best few so far each get prompts of their own, in equal shares."""
    sign = Sign()
    for one in run.rounds:
        shares: Counter[int | None] = Counter()
        for shown in one.asked:
            parent = shown.held[0] if shown.held else run.initial
            shares[parent] += max(1, len(shown.prompt.candidates))
        if len(shares) < 2 or None in shares or any(len(shown.held) > 1 for shown in one.asked):
            continue
        values = [run.values.get(mark or 0, float("-inf")) for mark in shares]
        is_even = max(shares.values()) - min(shares.values()) <= 1
        if not is_even or tuple(sorted(values, reverse=True)) != one.top:
            sign.is_against = True
        elif one.is_more:
            sign.weight += 1
            sign.calls += one.keys
    return sign


def _genetic(run: Run) -> Sign:
    """In two generations or more, prompts each hold two parents, and not always the same."""
    calls = []
    for one in run.rounds:
        parents = {frozenset(shown.held) for shown in one.asked}
        if any(len(pair) == 2 for pair in parents) and len(parents) > 1:
            calls.append(one.keys)
    return Sign([key for keys in calls for key in keys], int(len(calls) > 1))


def _ensemble(run: Run) -> Sign:
    """A prompt asks to merge several candidates, in words that the first did not have."""
    first = " ".join(one.user for one in run.run.rounds[0])
    usual = {found.lower() for found in MERGING.findall(first)}
    calls = []
    for one in run.rounds:
        if len({shown.held for shown in one.asked}) == 1 and len(one.asked[0].held) > 1:
            for shown in one.asked:
                if {found.lower() for found in MERGING.findall(shown.words)} - usual:
                    calls.append(shown.prompt.key)
    return Sign(calls, len(calls))


def _differ(run: Run, what: str) -> Sign:
    is_one = len({getattr(prompt, what) for prompt in run.asking}) < 2
    return Sign() if is_one else Sign([prompt.key for prompt in run.asking], 1)


def _caching(run: Run) -> Sign:
    """Of equal programs in the replies one was scored: all are known, and that many uses taken."""
    candidates = [one for prompt in run.asking for one in prompt.candidates]
    different = {one.mark for one in candidates}
    uses, is_known = run.run.uses, all(one.is_scored for one in candidates)
    if uses is None or len(different) == len(candidates):
        return Sign()
    # The program to begin with may have been scored, too.
    if uses > min(len(different) + 1, len(candidates) - 1):
        return Sign(is_against=uses > len(different) + 1)
    times = Counter(one.mark for one in candidates)
    again = [p.key for p in run.asking if any(times[one.mark] > 1 for one in p.candidates)]
    return Sign(again, 1) if is_known and uses >= len(different) else Sign()


# Each with how much it takes, over all runs, to show its strategy.
_RULES: Mapping[str, tuple[Callable[[Run], Sign], int, str]] = {
    "beam_search": (_beam, 1, "the best few so far each get prompts of their own"),
    "genetic_algorithm": (_genetic, 1, "prompts hold changing pairs of programs"),
    "iteration_from_incumbent": (_incumbent, 3, "each later prompt holds the best program so far"),
    "ensemble": (_ensemble, 1, "several candidates are merged into one program"),
    "temperature_schedule": (
        lambda run: _differ(run, "temperature"),
        *(1, "prompts for programs have different temperatures"),
    ),
    "varied_prompts": (
        lambda run: _differ(run, "system"),
        *(1, "prompts for programs have different expertises"),
    ),
    "caching": (_caching, 1, "equal programs in the replies took one use of the utility"),
}


def seen_in(runs: Iterable[ObservedRun]) -> tuple[tuple[StrategyFinding, ...], int]:
    """What an improver's runs show, and how many there were."""
    signs: dict[str, list[Sign]] = {name: [] for name in _RULES}
    total = 0
    for observed in runs:
        total += 1
        run = seen_as(observed)
        for name, (rule, *_) in _RULES.items():
            signs[name].append(rule(run))
    found = []
    for name, (_, enough, evidence) in _RULES.items():
        is_against = any(one.is_against for one in signs[name])
        if not is_against and sum(one.weight for one in signs[name]) >= enough:
            calls = dict.fromkeys(key for one in signs[name] for key in one.calls)
            said = f"in {sum(bool(one.calls) for one in signs[name])} of {total} runs {evidence}"
            found.append(StrategyFinding("trace", name, said, calls=tuple(calls)))
    return tuple(found), total
