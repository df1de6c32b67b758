"""What improver runs did: their calls of the model in rounds, and what became of the replies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from selftaught.core.text import clean
from selftaught.journal.events import (
    Evaluation,
    Invocation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    Replies,
    Run,
)
from selftaught.journal.race_events import Raced
from selftaught.journal.reader import JournalReader
from selftaught.journal.study_events import MetaEvaluation
from selftaught_guest.extract import code_blocks, largest_block

_SCORES = (Evaluation, Raced, MetaEvaluation)
_OBSERVED = (Run, Invocation, InvocationEnd, LmCall, LmAnswer, Replies, *_SCORES)

# What a utility is of: task, stream and repeat; of the meta-utility the stream alone.
Scope: TypeAlias = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A program of a reply. `value` is None if it failed, or was never scored."""

    mark: int
    is_scored: bool
    value: float | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt; equal ones of a batch are one.

    Attributes:
        held: marks of what stands between fences in it.
        words: what else it says.
        candidates: one a reply with code.
    """

    key: str
    system: str
    temperature: float
    held: tuple[int, ...]
    words: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """One improver run.

    Attributes:
        rounds: its calls of the model in order, each with its prompts.
        uses: of the utility; None while it is open.
        initial: the program it was given; None if no first prompt holds one that was scored.
    """

    rounds: tuple[tuple[Prompt, ...], ...]
    uses: int | None
    initial: Candidate | None


def mark_of(program: str) -> int:
    """A number that programs share which differ in white space only."""
    return hash("".join(program.split()))


@dataclass(slots=True)
class _Open:
    """An improver run as its events come."""

    scope: Scope
    rounds: list[list[str]] = field(default_factory=list)
    uses: int | None = None


class Observer:
    """The improver runs of one run, by improver; texts are read as they are asked for."""

    def __init__(self, reader: JournalReader, run_id: str) -> None:
        self._reader = reader
        self._runs: dict[str, _Open] = {}
        self._by_improver: dict[str, list[_Open]] = {}
        self._asked: dict[str, LmCall] = {}
        self._replies: dict[str, dict[int, tuple[str, ...]]] = {}
        self._programs: dict[str, tuple[str | None, ...]] = {}
        self._values: dict[Scope, dict[str, float | None]] = {}
        self._by_mark: dict[Scope, dict[int, float | None]] = {}
        worth = {}
        for event in reader.events(run_id, _OBSERVED):
            match event.body:
                case Run() as run:
                    worth = {task.name: task.worth for task in run.tasks}
                case Invocation() as start if event.key not in self._runs:
                    begun = _Open((start.task, start.stream, start.repeat))
                    self._runs[event.key] = begun
                    self._by_improver.setdefault(start.improver, []).append(begun)
                case InvocationEnd() as end if event.key in self._runs:
                    self._runs[event.key].uses = end.utility_uses
                case LmCall() as call if call.invocation in self._runs:
                    self._call(event.key, call)
                case LmAnswer() as answer:
                    self._replies.setdefault(event.key, {}).setdefault(answer.request, answer.texts)
                case Replies() as read:
                    known = self._programs.get(read.call, ())
                    self._programs[read.call] = max(known, read.programs, key=len)
                case Evaluation() as one:
                    value = one.value
                    if value is not None and one.task in worth:
                        value = worth[one.task](value)
                    scope = (one.task, one.stream, one.repeat)
                    self._values.setdefault(scope, {})[one.program] = value
                case Raced() as lost if lost.value is not None and lost.task in worth:
                    scope = (lost.task, lost.stream, lost.repeat)
                    estimated = worth[lost.task](lost.value)
                    self._values.setdefault(scope, {}).setdefault(lost.program, estimated)
                case MetaEvaluation() as meta:
                    self._values.setdefault((None, meta.stream, None), {})[meta.improver] = (
                        meta.mean
                    )

    def _call(self, key: str, call: LmCall) -> None:
        rounds = self._runs[call.invocation].rounds
        if key not in self._asked:
            # The first request of a call is reserved with the call, the others of a batch without.
            if call.reserved.lm_calls > 0 or not rounds:
                rounds.append([])
            rounds[-1].append(key)
            self._asked[key] = call

    def runs_of(self, improver: str) -> Iterator[ObservedRun]:
        """The runs of an improver in which it asked the model anything."""
        return (self._observed(run) for run in self._by_improver.get(improver, ()) if run.rounds)

    def _observed(self, run: _Open) -> ObservedRun:
        if run.scope not in self._by_mark:  # read once for all its improver runs
            values = self._values.get(run.scope, {})
            texts = self._reader.texts(values)
            self._by_mark[run.scope] = {mark_of(text): values[one] for one, text in texts.items()}
        scored = self._by_mark[run.scope]
        keys = [key for keys in run.rounds for key in keys]
        asked = {text for key in keys for text in (self._asked[key].system, self._asked[key].user)}
        texts = self._reader.texts(asked.union(*map(self._needed_of, keys)))
        rounds = tuple(
            tuple(self._prompt(key, texts, scored) for key in keys) for keys in run.rounds
        )
        held = [mark for prompt in rounds[0] for mark in prompt.held if mark in scored]
        initial = Candidate(held[0], True, scored[held[0]]) if held else None
        return ObservedRun(rounds, run.uses, initial)

    def _needed_of(self, key: str) -> list[str]:
        """Texts of the programs of its replies, or of these."""
        if key in self._programs:
            return [program for program in self._programs[key] if program is not None]
        return self._replies_to(key)

    def _replies_to(self, key: str) -> list[str]:
        return [text for texts in self._replies.get(key, {}).values() for text in texts]

    def _prompt(
        self, key: str, texts: Mapping[str, str], scored: Mapping[int, float | None]
    ) -> Prompt:
        asked = self._asked[key]
        system, words = texts.get(asked.system, ""), texts.get(asked.user, "")
        blocks = code_blocks(f"{system}\n{words}")
        for block in blocks:
            words = words.replace(block, "") if block else words
        if key in self._programs:
            codes = [texts.get(one or "") for one in self._programs[key]]
        else:  # of an older version
            codes = [largest_block(clean(texts.get(one, ""))) for one in self._replies_to(key)]
        marks = [mark_of(code) for code in codes if code and code.strip()]
        candidates = tuple(Candidate(one, one in scored, scored.get(one)) for one in marks)
        held = tuple(dict.fromkeys(map(mark_of, blocks)))
        return Prompt(key, system, float(asked.temperature), held, words, candidates)
