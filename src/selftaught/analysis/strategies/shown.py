"""Which earlier programs the prompts of an improver run hold: a run gone through once."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.analysis.strategies.observed import Candidate, ObservedRun, Prompt
from selftaught.analysis.strategies.texts import Programs, lines_of


@dataclass(frozen=True, slots=True)
class Shown:
    """A prompt for a program: marks of the programs that it holds, and its other words."""

    prompt: Prompt
    held: tuple[int, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Round:
    """A call for programs, and how things stood before it.

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


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its rules see it.

    Attributes:
        rounds: calls after the first whose programs were scored, or put into scored ones.
        asking: all prompts of such programs.
        values: scores by mark.
        pieces: marks of replies that were put into programs as parts.
        merged: calls whose candidates stand together in a scored program that is no reply.
    """

    run: ObservedRun
    rounds: tuple[Round, ...]
    asking: tuple[Prompt, ...]
    values: Mapping[int, float]
    pieces: frozenset[int]
    merged: tuple[str, ...]


def seen_as(run: ObservedRun) -> Run:
    """One run, gone through once."""
    pieces, merged = _parts(run)
    asking = _asking(run, pieces)
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
        asked = tuple(_shown(one, earlier, initial) for one in prompts if one.key in asking)
        if number and asked:
            different = len({one.held[0] for one in asked if one.held})
            different += any(not one.held for one in asked)
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
    return Run(run, tuple(rounds), all_asking, known, pieces, merged)


def _shown(prompt: Prompt, earlier: Programs, initial: int | None) -> Shown:
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


def _parts(run: ObservedRun) -> tuple[frozenset[int], tuple[str, ...]]:
    """Replies in scored programs that are none: as parts of one, or whole and several."""
    replies, keys = Programs(), dict[int, Prompt]()
    scored: set[int] = set()
    for prompt in (prompt for prompts in run.rounds for prompt in prompts):
        for one in prompt.candidates:
            replies.add(one.lines)
            keys.setdefault(one.mark, prompt)
            if one.is_scored:
                scored.add(one.mark)
    pieces: set[int] = set()
    merged: list[str] = []
    for whole in run.composed:
        places = list(replies.places_in(whole.lines))
        members = dict.fromkeys(mark for *_, mark in places if mark in scored)
        if len(members) > 1:
            merged += [keys[mark].key for mark in members]
        for start, end, mark in places:
            rest = (*whole.lines[:start], *whole.lines[end:])
            asked = set(lines_of(keys[mark].user))
            is_known = sum(line in asked for line in rest) >= 0.8 * len(rest)
            if mark not in scored and len(rest) > 1 and is_known:
                pieces.add(mark)
    return frozenset(pieces), tuple(dict.fromkeys(merged))


def _asking(run: ObservedRun, pieces: frozenset[int]) -> frozenset[str]:
    """Prompts whose programs were scored, or put into scored ones.

    Where the same program came of several prompts, those count that had another scored as well.
    """
    used = {
        prompt.key: {one.mark for one in prompt.candidates if one.is_scored or one.mark in pieces}
        for prompts in run.rounds
        for prompt in prompts
    }
    times = Counter(mark for marks in used.values() for mark in marks)
    sure = {key for key, marks in used.items() if any(times[one] == 1 for one in marks)}
    covered = {mark for key in sure for mark in used[key]}
    return frozenset(sure | {key for key, marks in used.items() if marks - covered})
