"""Which earlier programs the prompts of an improver run hold, told by their text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from selftaught.analysis.strategies.observed import Candidate, ObservedRun, Prompt

# Shorter texts may stand in a prompt by chance.
MIN_CHARS = 20
_GONE = "\0"


@dataclass(frozen=True, slots=True)
class ShownPrompt:
    """A prompt and the earlier candidates of its run that it holds.

    Attributes:
        words: its text without those.
    """

    prompt: Prompt
    held: tuple[Candidate, ...]
    words: str


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run as far as its programs go.

    Attributes:
        initial: the program it was given; None if it was never scored.
        rounds: its prompts by round.
        pieces: replies that were never scored, by id, with the scored programs that hold them.
        asking: keys of the prompts whose programs were scored.
    """

    run: ObservedRun
    initial: Candidate | None
    rounds: tuple[tuple[ShownPrompt, ...], ...]
    pieces: dict[str, list[Candidate]]
    asking: frozenset[str]

    def asks_for_program(self, prompt: Prompt) -> bool:
        """Whether programs of its replies were scored, or made part of one that was."""
        return prompt.key in self.asking

    def best_before(self, place: int) -> tuple[float, set[str]] | None:
        """The highest score before a round, and the programs that have it."""
        known = [one for one in self.candidates_before(place) if one.value is not None]
        if self.initial is not None and self.initial.value is not None:
            known.append(self.initial)
        if not known:
            return None
        best = max(one.value for one in known if one.value is not None)
        return best, {one.program_id for one in known if one.value == best}

    def candidates_before(self, place: int) -> list[Candidate]:
        """Programs of the replies of all rounds before one."""
        return [
            one
            for prompts in self.rounds[:place]
            for shown in prompts
            for one in shown.prompt.candidates
        ]

    @property
    def candidates(self) -> list[Candidate]:
        return self.candidates_before(len(self.rounds))


def shown_run(run: ObservedRun) -> ShownRun:
    """Look for the text of each reply's program in the prompts of later rounds.

    What already stands in the first prompts, as the program to begin with, is left out.
    """
    first = [f"{prompt.system}\n{prompt.user}" for prompt in run.rounds[0]] if run.rounds else []
    earlier: dict[str, Candidate] = {}
    rounds: list[tuple[ShownPrompt, ...]] = []
    for prompts in run.rounds:
        rounds.append(tuple(_shown(prompt, earlier.values()) for prompt in prompts))
        for prompt in prompts:
            for one in prompt.candidates:
                text = one.text.strip()
                if len(text) >= MIN_CHARS and not any(text in said for said in first):
                    earlier.setdefault(text, one)
    replies = {one.text.strip() for prompts in run.rounds for p in prompts for one in p.candidates}
    initial = [
        one
        for one in run.scored.values()
        if len(one.text.strip()) >= MIN_CHARS and any(one.text.strip() in said for said in first)
    ]
    pieces = _pieces(run, replies)
    return ShownRun(
        run,
        max(initial, key=lambda one: len(one.text), default=None),
        tuple(rounds),
        pieces,
        _asking(run, pieces),
    )


def _asking(run: ObservedRun, pieces: Mapping[str, object]) -> frozenset[str]:
    """Prompts whose programs were scored.

    Where the same program came of several prompts, those count that had another scored as well.
    """
    used = {
        prompt.key: {
            one.program_id for one in prompt.candidates if one.is_scored or one.program_id in pieces
        }
        for prompts in run.rounds
        for prompt in prompts
    }
    times = Counter(program_id for ids in used.values() for program_id in ids)
    sure = {key for key, ids in used.items() if any(times[one] == 1 for one in ids)}
    covered = {program_id for key in sure for program_id in used[key]}
    return frozenset(sure | {key for key, ids in used.items() if ids - covered})


def _shown(prompt: Prompt, earlier: Iterable[Candidate]) -> ShownPrompt:
    words = f"{prompt.system}\n{prompt.user}"
    held = []
    # The longest first: a program may be a part of another.
    for one in sorted(earlier, key=lambda one: -len(one.text)):
        text = one.text.strip()
        if text in words:
            words = words.replace(text, _GONE)
            held.append(one)
    return ShownPrompt(prompt, tuple(held), words)


def _pieces(run: ObservedRun, replies: set[str]) -> dict[str, list[Candidate]]:
    """Replies that were put into programs which also hold lines of what they were asked about."""
    composed = [one for one in run.scored.values() if one.text.strip() not in replies]
    found: dict[str, list[Candidate]] = {}
    for prompts in run.rounds:
        for prompt in prompts:
            for piece in prompt.candidates:
                text = piece.text.strip()
                if piece.is_scored or len(text) < MIN_CHARS:
                    continue
                wholes = [one for one in composed if _is_put_into(text, one.text, prompt.user)]
                if wholes:
                    found.setdefault(piece.program_id, []).extend(wholes)
    return found


def _is_put_into(piece: str, whole: str, asked: str) -> bool:
    if piece not in whole:
        return False
    rest = [line.strip() for line in whole.replace(piece, "").splitlines() if line.strip()]
    known = sum(line in asked for line in rest)
    return len(rest) >= 2 and known >= 0.8 * len(rest)
