"""A run as a tree: what was measured, its improver runs, their prompts, replies and scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from selftaught.analysis.run_head import HEAD_KINDS, RunHead, run_head
from selftaught.core.program import content_id
from selftaught.store.reader import JournalReader
from selftaught_guest.extract import extract_code


@dataclass(frozen=True, slots=True)
class ReplyTrace:
    """One response of the model.

    Attributes:
        text: as it came.
        program_id: of the code in it; None if it holds none.
        value: what the utility that its improver was given said of that program; None if it
            failed, or was never asked.
        outcome: `scored`, how it failed, or `not scored`.
    """

    text: str
    program_id: str | None
    value: float | None
    outcome: str


@dataclass(frozen=True, slots=True)
class CallTrace:
    """One request to the model; `state` is open, answered or failed."""

    key: str
    system: str
    user: str
    n: int
    temperature: float
    state: str = "open"
    detail: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None
    replies: tuple[ReplyTrace, ...] = ()


@dataclass(slots=True)
class ImproverRunTrace:
    """One improver run.

    Attributes:
        role: proposal, inner, restart or improve.
        improver: id of the improver's program.
        task, stream, repeat: of the utility that it was given; no task for the meta-utility.
        outcome: `returned`, how it failed, or `open`.
        program: id of what it returned.
        value: what its utility said of that, if it was asked.
    """

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
        return [asdict(run) for run in self.runs]


def trace_run(reader: JournalReader, run_id: str) -> RunTrace:
    """The tree of a run. Raises: LookupError if there is no such run."""
    head = run_head(run_id, reader.events(run_id, HEAD_KINDS))
    return RunTrace(head, tuple(_Tracer(reader, run_id).runs()))


class _Tracer:
    """Puts together what the events of one run say."""

    def __init__(self, reader: JournalReader, run_id: str) -> None:
        self._reader = reader
        self._run_id = run_id
        self._scores = dict(self._find_scores())

    def runs(self) -> list[ImproverRunTrace]:
        """In the order in which they began; what a resumed run wrote twice stands once."""
        found: dict[str, ImproverRunTrace] = {}
        asked: dict[str, dict[str, Any]] = {}
        calls: dict[str, CallTrace] = {}
        for event in self._events("invocation", "lm_call", "lm_answer", "invocation_end"):
            body = event.body
            if event.kind == "invocation":
                names = ("role", "improver", "task", "stream", "repeat")
                run = ImproverRunTrace(event.key, *(body[name] for name in names))
                found.setdefault(event.key, run)
            elif event.kind == "lm_call":
                asked[event.key] = body
                calls.setdefault(event.key, self._call(event.key, body))
            elif event.kind == "lm_answer":
                run = found[body["invocation"]]
                calls[event.key] = self._answer(run, event.key, asked[event.key], body)
            else:
                self._end(found[event.key], body)
        for key, call in calls.items():
            found[asked[key]["invocation"]].calls.append(call)
        return list(found.values())

    def _find_scores(self) -> Iterator[tuple[tuple[Any, ...], tuple[float | None, str]]]:
        for event in self._events("evaluation", "meta_evaluation"):
            body = event.body
            if event.kind == "evaluation":
                place = (body["task"], body["stream"], body["repeat"], body["program"])
                yield place, (body["value"], body["kind"])
            else:
                yield (None, body["stream"], None, body["improver"]), (body["mean"], "scored")

    def _answer(
        self, run: ImproverRunTrace, key: str, asked: dict[str, Any], body: dict[str, Any]
    ) -> CallTrace:
        usage = body["usage"]
        return self._call(
            key,
            asked,
            state=body["state"],
            detail=body["detail"],
            tokens_in=usage["tokens_in"],
            tokens_out=usage["tokens_out"],
            cost_usd=body["cost_usd"],
            replies=tuple(self._reply(run, self._text(text_id)) for text_id in body["texts"]),
        )

    def _call(self, key: str, asked: dict[str, Any], **answered: Any) -> CallTrace:
        system, user = self._text(asked["system"]), self._text(asked["user"])
        return CallTrace(key, system, user, asked["n"], asked["temperature"], **answered)

    def _reply(self, run: ImproverRunTrace, text: str) -> ReplyTrace:
        code = extract_code(text)
        if not isinstance(code, str):
            return ReplyTrace(text, None, None, "no code")
        program_id = content_id(code)
        value, outcome = self._score(run, program_id)
        return ReplyTrace(text, program_id, value, outcome)

    def _end(self, run: ImproverRunTrace, body: dict[str, Any]) -> None:
        run.outcome, run.detail = body["outcome"], body["detail"]
        run.program, run.utility_uses = body["program"], body["utility_uses"]
        if run.program is not None:
            run.value, _ = self._score(run, run.program)

    def _score(self, run: ImproverRunTrace, program_id: str) -> tuple[float | None, str]:
        place = (run.task, run.stream, run.repeat, program_id)
        return self._scores.get(place, (None, "not scored"))

    def _text(self, text_id: str) -> str:
        return self._reader.text(text_id) or ""

    def _events(self, *kinds: str) -> Iterator[Any]:
        return self._reader.events(self._run_id, kinds)
