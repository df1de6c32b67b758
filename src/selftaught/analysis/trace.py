"""A run as a tree: what was measured, its improver runs, their prompts, replies and scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from selftaught.analysis.replies import by_call
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.core.errors import ConfigError
from selftaught.core.program import content_id
from selftaught.core.text import clean
from selftaught.journal.codec import Body, Event
from selftaught.journal.events import (
    Evaluation,
    Invocation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    Replies,
)
from selftaught.journal.race_events import Raced
from selftaught.journal.reader import JournalReader
from selftaught.journal.study_events import MetaEvaluation
from selftaught_guest.extract import largest_block


@dataclass(frozen=True, slots=True)
class ReplyTrace:
    """One response of the model.

    Attributes:
        place: among the replies of its prompt, from 1.
        text: as it came.
        program_id: of the code in it; None if it holds none.
        value: what the utility that its improver was given said of that program; None if it
            failed, or was never asked.
        outcome: `scored`, how it failed, `not scored`, or why it holds none.
        detail, printed: how it failed in words, and the beginning of what it printed.
    """

    place: int
    text: str
    program_id: str | None
    value: float | None
    outcome: str
    detail: str = ""
    printed: str = ""


@dataclass(slots=True)
class CallTrace:
    """One prompt to the model, with all the requests that it took.

    Attributes:
        n: responses asked for by the first request.
        state: answered as soon as there is a reply; else open, or how the last request failed.
        requests: how many there were; open ones included.
        failures: what went wrong with each that failed.
        cost_usd: None if the price is not known.
        model: that was asked, where the run has several.
        note: what the improver said of it.
    """

    key: str
    system: str
    user: str
    n: int
    temperature: float
    state: str = "open"
    requests: int = 0
    failures: list[str] = field(default_factory=list)
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0
    replies: list[ReplyTrace] = field(default_factory=list)
    model: str = ""
    note: str = ""


@dataclass(slots=True)
class ImproverRunTrace:
    """One improver run.

    Attributes:
        number: among those of its run, in the order in which they began, from 1.
        role: proposal, inner, restart or improve.
        improver: id of the improver's program.
        task, stream, repeat: of the utility that it was given; no task for the meta-utility.
        outcome: `returned`, how it failed, or `open`.
        program: id of what it returned.
        value: what its utility said of that, if it was asked.
    """

    number: int
    key: str
    role: str
    improver: str
    task: str | None
    stream: str | None
    repeat: str | None
    calls: list[CallTrace] = field(default_factory=list)
    outcome: str = "open"
    detail: str = ""
    program: str | None = None
    value: float | None = None
    utility_uses: int = 0


@dataclass(frozen=True, slots=True)
class RunTrace:
    """A whole run; improver runs in the order in which they began."""

    head: RunHead
    runs: tuple[ImproverRunTrace, ...]

    def as_json(self) -> list[dict[str, Any]]:
        told = [asdict(run) for run in self.runs]
        for call in (call for run in told for call in run["calls"]):
            for name in ("model", "note"):
                if not call[name]:
                    del call[name]
        return told


def chosen(
    trace: RunTrace,
    first: int | None,
    last: int | None,
    only: str | None,
    best: str | None = None,
) -> RunTrace:
    """A part of a trace.

    Args:
        first, last: numbers of improver runs.
        only: `failed`, `best`, or an improver run by its number or the start of its key. Of what
            failed or made the best, only the replies that did are left.
        best: id of the run's best program, if there is one.
    Raises: ConfigError if there is nothing like that.
    """
    runs: Sequence[ImproverRunTrace] = trace.runs
    if only == "failed":
        failing = (_with_replies(run, _has_failed) for run in runs)
        runs = [run for run in failing if run.calls or run.outcome not in ("returned", "open")]
    elif only == "best":
        making = (_with_replies(run, lambda one: one.program_id == best) for run in runs)
        runs = [run for run in making if best is not None and (run.calls or run.program == best)]
    elif only is not None:
        runs = [run for run in runs if str(run.number) == only] or [
            run for run in runs if run.key.startswith(only)
        ]
        if len(runs) > 1:
            keys = ", ".join(run.key for run in runs[:5])
            raise ConfigError(f"--only {only} starts several improver runs, such as {keys}")
    found = [run for run in runs if (first or 1) <= run.number <= (last or len(trace.runs))]
    if not found:
        raise ConfigError(
            f"run {trace.head.run_id} has no such improver runs, of {len(trace.runs)} in all; see "
            "--from, --to and --only"
        )
    return replace(trace, runs=tuple(found))


def _has_failed(reply: ReplyTrace) -> bool:
    return reply.outcome not in ("scored", "not scored")


def _with_replies(run: ImproverRunTrace, keep: Callable[[ReplyTrace], bool]) -> ImproverRunTrace:
    """With these replies alone, and without calls that have none of them."""
    calls = [replace(call, replies=[*filter(keep, call.replies)]) for call in run.calls]
    return replace(run, calls=[call for call in calls if call.replies])


class Said(NamedTuple):
    """What is known of a program on some instances."""

    value: float | None
    outcome: str
    detail: str = ""
    printed: str = ""


def trace_run(reader: JournalReader, run_id: str) -> RunTrace:
    """The tree of a run. Raises: LookupError if there is no such run."""
    head = read_head(reader, run_id)
    return RunTrace(head, tuple(Tracer(reader, run_id).runs()))


class Tracer:
    """Puts together what the events of one run say."""

    def __init__(self, reader: JournalReader, run_id: str) -> None:
        self._reader = reader
        self._run_id = run_id
        self._scores = dict(self._find_scores())
        self._replies = by_call(self._events(Replies))
        self._texts: Mapping[str, str] = {}

    def runs(self) -> list[ImproverRunTrace]:
        """In the order in which they began; what a resumed run wrote twice stands once."""
        found: dict[str, ImproverRunTrace] = {}
        calls: dict[str, CallTrace] = {}
        closed: set[tuple[str, int]] = set()
        events = [*self._events(Invocation, LmCall, LmAnswer, InvocationEnd)]
        said = (one.body for one in events if isinstance(one.body, (LmCall, LmAnswer)))
        self._texts = self._reader.texts({text_id for body in said for text_id in body.text_ids()})
        for event in events:
            match event.body:
                case Invocation() as start:
                    place = (start.task, start.stream, start.repeat)
                    if event.key not in found:
                        number = len(found) + 1
                        run = ImproverRunTrace(
                            number, event.key, start.role, start.improver, *place
                        )
                        found[event.key] = run
                case LmCall() as call:
                    if event.key not in calls:
                        calls[event.key] = self._call(event.key, call)
                        found[call.invocation].calls.append(calls[event.key])
                    calls[event.key].requests += 1
                case LmAnswer() as answer:
                    if (event.key, answer.request) not in closed:
                        closed.add((event.key, answer.request))
                        self._answer(found[answer.invocation], calls[event.key], answer)
                case InvocationEnd() as end:
                    self._end(found[event.key], end)
        return list(found.values())

    def _find_scores(self) -> Iterator[tuple[tuple[Any, ...], Said]]:
        # What is whole takes the place of an estimate.
        for event in (*self._events(Raced), *self._events(Evaluation, MetaEvaluation)):
            match event.body:
                case Evaluation() as one:
                    place = (one.task, one.stream, one.repeat, one.program)
                    yield place, Said(one.value, one.outcome, one.detail, one.printed)
                case Raced(value=value) as one if value is not None:
                    place = (one.task, one.stream, one.repeat, one.program)
                    yield place, Said(value, "stopped", one.feedback)
                case MetaEvaluation() as meta:
                    yield (None, meta.stream, None, meta.improver), Said(meta.mean, "scored")

    def _call(self, key: str, asked: LmCall) -> CallTrace:
        system, user = self._text(asked.system), self._text(asked.user)
        n, temperature, told = asked.n, asked.temperature, asked.note
        return CallTrace(key, system, user, n, temperature, model=asked.model, note=told)

    def _answer(self, run: ImproverRunTrace, call: CallTrace, answer: LmAnswer) -> None:
        cost_usd = answer.cost_usd
        call.tokens_in += answer.usage.tokens_in
        call.tokens_out += answer.usage.tokens_out
        if call.cost_usd is not None:
            call.cost_usd = None if cost_usd is None else call.cost_usd + cost_usd
        for place, text_id in enumerate(answer.texts, len(call.replies) + 1):
            call.replies.append(self._reply(run, call.key, place, self._text(text_id)))
        call.state = "answered" if call.replies else answer.state
        if answer.state != "answered":
            call.failures.append(f"{answer.state}: {answer.detail}")

    def _reply(self, run: ImproverRunTrace, key: str, place: int, text: str) -> ReplyTrace:
        read = self._replies.get(key)
        if read is not None and place <= len(read.programs):
            program_id, why = read.programs[place - 1], read.whys[place - 1].replace("_", " ")
        else:  # of an older version, or cut before it was read
            code = largest_block(clean(text))
            program_id, why = None if code is None else content_id(code), "no program"
        if program_id is None:
            return ReplyTrace(place, text, None, None, why)
        return ReplyTrace(place, text, program_id, *self._score(run, program_id))

    def _end(self, run: ImproverRunTrace, end: InvocationEnd) -> None:
        run.outcome, run.detail = end.outcome, end.detail
        run.program, run.utility_uses = end.program, end.utility_uses
        if run.program is not None:
            run.value = self._score(run, run.program).value

    def _score(self, run: ImproverRunTrace, program_id: str) -> Said:
        place = (run.task, run.stream, run.repeat, program_id)
        return self._scores.get(place, Said(None, "not scored"))

    def _text(self, text_id: str) -> str:
        return self._texts.get(text_id, "")

    def _events(self, *kinds: type[Body]) -> Iterator[Event]:
        return self._reader.events(self._run_id, kinds)
