"""What improver runs did: their calls of the model in rounds, and what became of the replies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from selftaught.analysis.strategies.texts import Programs, lines_of, mark_of
from selftaught.core.text import clean
from selftaught.journal.codec import Event
from selftaught.journal.events import (
    Evaluation,
    Invocation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    Run,
    TaskVersion,
)
from selftaught.journal.reader import JournalReader
from selftaught.journal.study_events import MetaEvaluation
from selftaught_guest.extract import largest_block

_OBSERVED = (Run, Invocation, InvocationEnd, LmCall, LmAnswer, Evaluation, MetaEvaluation)

# What a utility is of: task, stream and repeat; of the meta-utility the stream alone.
Scope: TypeAlias = tuple[str | None, str | None, str | None]


@dataclass(frozen=True)
class Candidate:
    """A program by its lines. `value` is None if it failed, or was never scored."""

    lines: tuple[str, ...]
    is_scored: bool
    value: float | None

    @cached_property
    def mark(self) -> int:
        return mark_of(self.lines)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One prompt; equal ones of a batch are one. `candidates` has an entry a reply with code."""

    key: str
    system: str
    user: str
    temperature: float
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """One improver run.

    Attributes:
        rounds: its calls of the model in order, each with its prompts.
        uses: of the utility; None while it is open.
        initial: the program it was given; None if it was never scored.
    """

    rounds: tuple[tuple[Prompt, ...], ...]
    uses: int | None
    initial: Candidate | None


@dataclass(slots=True)
class _Open:
    """An improver run as its events come."""

    scope: Scope
    rounds: list[list[str]] = field(default_factory=list)
    uses: int | None = None


@dataclass(slots=True)
class _Scored:
    """All that was scored by one utility: values by id, then by mark."""

    values: dict[str, float | None] = field(default_factory=dict)
    by_mark: dict[int, float | None] = field(default_factory=dict)
    programs: Programs | None = None


class Observer:
    """The improver runs of one run, by improver; texts are read as they are asked for, once."""

    def __init__(self, reader: JournalReader, run_id: str) -> None:
        self._reader = reader
        self._runs: dict[str, _Open] = {}
        self._by_improver: dict[str, list[str]] = {}
        self._asked: dict[str, LmCall] = {}
        self._replies: dict[str, list[str]] = {}
        self._closed: set[tuple[str, int]] = set()
        self._scored: dict[Scope, _Scored] = {}
        self._tasks: dict[str, TaskVersion] = {}
        for event in reader.events(run_id, _OBSERVED):
            self._take(event)

    def improvers(self) -> list[str]:
        """Ids of all improvers that ran, in the order of their first runs."""
        return list(self._by_improver)

    def runs_of(self, improver: str) -> Iterator[ObservedRun]:
        """The runs of an improver in which it asked the model anything."""
        for key in self._by_improver.get(improver, ()):
            if self._runs[key].rounds:
                yield self._observed(self._runs[key])

    def _take(self, event: Event) -> None:
        match event.body:
            case Invocation() as start:
                if event.key not in self._runs:
                    self._runs[event.key] = _Open((start.task, start.stream, start.repeat))
                    self._by_improver.setdefault(start.improver, []).append(event.key)
            case InvocationEnd() as end:
                if event.key in self._runs:
                    self._runs[event.key].uses = end.utility_uses
            case LmCall() as call:
                self._call(event.key, call)
            case LmAnswer() as answer:
                if (event.key, answer.request) not in self._closed:
                    self._closed.add((event.key, answer.request))
                    self._replies.setdefault(event.key, []).extend(answer.texts)
            case Run() as run:
                self._tasks = {task.name: task for task in run.tasks}
            case Evaluation() as one:
                told, worth = self._tasks.get(one.task), one.value
                if told is not None and worth is not None:
                    worth = told.worth(worth)
                self._score((one.task, one.stream, one.repeat), one.program, worth)
            case MetaEvaluation() as meta:
                self._score((None, meta.stream, None), meta.improver, meta.mean)

    def _score(self, scope: Scope, program: str, value: float | None) -> None:
        self._scored.setdefault(scope, _Scored()).values[program] = value

    def _call(self, key: str, call: LmCall) -> None:
        if key in self._asked or call.invocation not in self._runs:
            return
        self._asked[key] = call
        rounds = self._runs[call.invocation].rounds
        # The first request of a call is reserved with the call, the others of a batch without.
        if call.reserved.lm_calls > 0 or not rounds:
            rounds.append([])
        rounds[-1].append(key)

    def _observed(self, run: _Open) -> ObservedRun:
        scored = self._known(run.scope)
        wanted: set[str] = set()
        for key in (key for keys in run.rounds for key in keys):
            asked = self._asked[key]
            wanted |= {asked.system, asked.user, *self._replies.get(key, ())}
        texts = self._reader.texts(wanted)
        rounds = tuple(
            tuple(self._prompt(key, texts, scored) for key in keys) for keys in run.rounds
        )
        return ObservedRun(rounds, run.uses, _initial(rounds[0], scored))

    def _known(self, scope: Scope) -> _Scored:
        """What a utility has scored, read through once for all its improver runs."""
        scored = self._scored.setdefault(scope, _Scored())
        if scored.programs is None:
            scored.programs = Programs()
            for text_id, text in self._reader.texts(scored.values).items():
                lines = lines_of(text)
                scored.programs.add(lines)
                scored.by_mark[mark_of(lines)] = scored.values[text_id]
        return scored

    def _prompt(self, key: str, texts: Mapping[str, str], scored: _Scored) -> Prompt:
        asked = self._asked[key]
        candidates = []
        for text_id in self._replies.get(key, ()):
            code = largest_block(clean(texts.get(text_id, "")))  # as the guest got it
            if isinstance(code, str) and code.strip():
                lines = lines_of(code)
                mark = mark_of(lines)
                is_scored = mark in scored.by_mark
                candidates.append(Candidate(tuple(lines), is_scored, scored.by_mark.get(mark)))
        words = texts.get(asked.system, ""), texts.get(asked.user, "")
        return Prompt(key, *words, float(asked.temperature), tuple(candidates))


def _initial(first: tuple[Prompt, ...], scored: _Scored) -> Candidate | None:
    """The longest scored program that the first prompts hold."""
    longest: Candidate | None = None
    for prompt in first:
        lines = lines_of(f"{prompt.system}\n{prompt.user}")
        for start, end, mark in scored.programs.places_in(lines) if scored.programs else ():
            if longest is None or end - start > len(longest.lines):
                longest = Candidate(tuple(lines[start:end]), True, scored.by_mark[mark])
    return longest
