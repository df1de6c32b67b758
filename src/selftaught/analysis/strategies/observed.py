"""What improver runs did: their calls of the model in rounds, and what became of the replies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from selftaught.core.program import content_id
from selftaught.core.text import clean
from selftaught.journal.codec import Event
from selftaught.journal.events import (
    Evaluation,
    Invocation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    MetaEvaluation,
)
from selftaught.journal.reader import JournalReader
from selftaught_guest.extract import extract_code

OBSERVED_KINDS = (Invocation, InvocationEnd, LmCall, LmAnswer, Evaluation, MetaEvaluation)

# What a utility is of: task, stream and repeat; of the meta-utility the stream alone.
Scope: TypeAlias = tuple[str | None, str | None, str | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """The program in a reply. `value` is None if it failed, or was never scored."""

    program_id: str
    text: str
    is_scored: bool
    value: float | None


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
        scored: programs that were scored by its utility, by id, also for other improvers.
        returned: id of what it returned.
    """

    key: str
    rounds: tuple[tuple[Prompt, ...], ...]
    uses: int | None
    scored: Mapping[str, Candidate]
    returned: str | None


@dataclass(slots=True)
class _Open:
    """An improver run as its events come."""

    scope: Scope
    rounds: list[list[str]] = field(default_factory=list)
    uses: int | None = None
    returned: str | None = None


class Observer:
    """The improver runs of one run, by improver; texts are read as they are asked for."""

    def __init__(self, reader: JournalReader, run_id: str) -> None:
        self._reader = reader
        self._runs: dict[str, _Open] = {}
        self._by_improver: dict[str, list[str]] = {}
        self._asked: dict[str, LmCall] = {}
        self._replies: dict[str, list[str]] = {}
        self._closed: set[tuple[str, int]] = set()
        self._scores: dict[Scope, dict[str, float | None]] = {}
        for event in reader.events(run_id, OBSERVED_KINDS):
            self._take(event)

    def improvers(self) -> list[str]:
        """Ids of all improvers that ran, in the order of their first runs."""
        return list(self._by_improver)

    def runs_of(self, improver: str) -> Iterator[ObservedRun]:
        """The runs of an improver in which it asked the model anything."""
        for key in self._by_improver.get(improver, ()):
            if self._runs[key].rounds:
                yield self._observed(key, self._runs[key])

    def _take(self, event: Event) -> None:
        match event.body:
            case Invocation() as start:
                if event.key not in self._runs:
                    self._runs[event.key] = _Open((start.task, start.stream, start.repeat))
                    self._by_improver.setdefault(start.improver, []).append(event.key)
            case InvocationEnd() as end:
                if event.key in self._runs:
                    run = self._runs[event.key]
                    run.uses, run.returned = end.utility_uses, end.program
            case LmCall() as call:
                self._call(event.key, call)
            case LmAnswer() as answer:
                if (event.key, answer.request) not in self._closed:
                    self._closed.add((event.key, answer.request))
                    self._replies.setdefault(event.key, []).extend(answer.texts)
            case Evaluation() as one:
                scope = (one.task, one.stream, one.repeat)
                self._scores.setdefault(scope, {})[one.program] = one.value
            case MetaEvaluation() as meta:
                self._scores.setdefault((None, meta.stream, None), {})[meta.improver] = meta.mean

    def _call(self, key: str, call: LmCall) -> None:
        if key in self._asked or call.invocation not in self._runs:
            return
        self._asked[key] = call
        rounds = self._runs[call.invocation].rounds
        # The first request of a call is reserved with the call, the others of a batch without.
        begins = call.reserved.lm_calls > 0
        if begins or not rounds:
            rounds.append([])
        rounds[-1].append(key)

    def _observed(self, key: str, run: _Open) -> ObservedRun:
        scores = self._scores.get(run.scope, {})
        texts = self._texts(run, scores)
        scored = {
            program_id: Candidate(program_id, texts[program_id], True, value)
            for program_id, value in scores.items()
            if program_id in texts
        }
        by_text = {one.text.strip(): one for one in scored.values()}
        rounds = tuple(
            tuple(self._prompt(call, texts, by_text) for call in calls) for calls in run.rounds
        )
        return ObservedRun(key, rounds, run.uses, scored, run.returned)

    def _texts(self, run: _Open, scores: Mapping[str, float | None]) -> dict[str, str]:
        wanted = set(scores)
        if run.returned is not None:
            wanted.add(run.returned)
        for calls in run.rounds:
            for call in calls:
                asked = self._asked[call]
                wanted |= {asked.system, asked.user, *self._replies.get(call, ())}
        return self._reader.texts(wanted)

    def _prompt(
        self, key: str, texts: Mapping[str, str], by_text: Mapping[str, Candidate]
    ) -> Prompt:
        asked = self._asked[key]
        candidates = []
        for text_id in self._replies.get(key, ()):
            code = extract_code(clean(texts.get(text_id, "")))  # as the guest got it
            if isinstance(code, str) and code.strip():
                nothing = Candidate(content_id(code), code, False, None)
                candidates.append(by_text.get(code.strip(), nothing))
        return Prompt(
            key,
            texts.get(asked.system, ""),
            texts.get(asked.user, ""),
            float(asked.temperature),
            tuple(candidates),
        )
