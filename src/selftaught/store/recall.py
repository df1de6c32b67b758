"""From a run's events to what it need not do again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from selftaught.core.budget import Usage
from selftaught.core.errors import InfrastructureError
from selftaught.core.outcome import EvaluationOutcome, Failed, FailureKind, Scored
from selftaught.engine.memory import EndedRun, Memory, OpenRequest
from selftaught.store.reader import Event, JournalReader

# Written again whenever a run goes on, or numbered otherwise: nothing that stands once by its key.
_NOT_BY_KEY = ("run", "run_end", "result", "lm_call", "lm_answer", "model_notice", "diverged")


def recall(reader: JournalReader, run_id: str) -> Memory:
    """The memory of a run."""
    return remember(reader.events(run_id), reader.text)


def remember(events: Iterable[Event], text: Callable[[str], str | None]) -> Memory:
    """The memory of a run from its events, and the texts that they name."""
    return _Recall(text).of(events)


class _Recall:
    def __init__(self, find_text: Callable[[str], str | None]) -> None:
        self._find_text = find_text

    def of(self, events: Iterable[Event]) -> Memory:
        recorded: set[tuple[str, str]] = set()
        runs: dict[str, EndedRun] = {}
        evaluations: dict[str, EvaluationOutcome] = {}
        asked: dict[tuple[str, int], Mapping[str, Any]] = {}
        closed: dict[tuple[str, int], Mapping[str, Any]] = {}
        clocks: dict[str, float] = {}
        spans = _Spans()
        for event in events:
            body = event.body
            spans.add(event)
            if event.kind not in _NOT_BY_KEY:
                recorded.add((event.kind, event.key))
            match event.kind:
                case "invocation_end":
                    runs[event.key] = self._ended(body)
                case "evaluation":
                    evaluations[event.key] = _outcome(body)
                case "lm_call":
                    asked[event.key, body["request"]] = body
                case "lm_answer":
                    closed[event.key, body["request"]] = body
                case "clock":
                    clocks[event.key] = float(body["s"])
        calls_of: defaultdict[str, set[str]] = defaultdict(set)
        numbers: defaultdict[str, int] = defaultdict(int)
        for (key, number), call in asked.items():
            calls_of[call["invocation"]].add(key)
            numbers[key] = max(numbers[key], number + 1)
        usage_of: defaultdict[str, Usage] = defaultdict(Usage)
        for (key, _), answer in closed.items():
            usage_of[key] += Usage(**answer["usage"])
        return Memory(
            recorded=frozenset(recorded),
            runs=runs,
            evaluations=evaluations,
            responses=self._responses(asked, closed),
            requests=dict(numbers),
            usage_of=dict(usage_of),
            calls_of={key: frozenset(calls) for key, calls in calls_of.items()},
            clocks=clocks,
            open_requests=tuple(
                OpenRequest(key, number, body["invocation"], Usage(**body["reserved"]))
                for (key, number), body in asked.items()
                if (key, number) not in closed
            ),
            usage=sum(usage_of.values(), Usage()),
            elapsed_s=spans.elapsed_s,
        )

    def _responses(
        self,
        asked: Mapping[tuple[str, int], Mapping[str, Any]],
        closed: Mapping[tuple[str, int], Mapping[str, Any]],
    ) -> dict[str, dict[int, str]]:
        found: defaultdict[str, dict[int, str]] = defaultdict(dict)
        for (key, number), body in closed.items():
            call = asked[key, number]
            for offset, text_id in enumerate(body["texts"][: call["n"]]):
                found[key][call["place"] + offset] = self._text(text_id)
        return dict(found)

    def _ended(self, body: Mapping[str, Any]) -> EndedRun:
        usage = Usage(**body["usage"])
        if body["program"] is not None:
            return EndedRun(self._text(body["program"]), usage)
        kind = cast(FailureKind, body["outcome"])
        return EndedRun(Failed(kind, body["detail"], body["cpu_s"]), usage)

    def _text(self, text_id: str) -> str:
        text = self._find_text(text_id)
        if text is None:
            raise InfrastructureError(
                f"the journal names a text {text_id} that it does not hold: selftaught verify"
            )
        return text


class _Spans:
    """Seconds of the parts of a run, each from its start to the last that was heard of it."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self._last: float | None = None

    def add(self, event: Event) -> None:
        if event.kind != "run" and self._last is not None:
            self.elapsed_s += max(0.0, event.at - self._last)
        self._last = event.at


def _outcome(body: Mapping[str, Any]) -> EvaluationOutcome:
    if body["kind"] != "scored":
        return Failed(cast(FailureKind, body["kind"]), body["detail"], body["cpu_s"])
    return Scored(
        value=body["value"],
        feedback=body["feedback"],
        per_instance=tuple(_number(value) for value in body["per_instance"]),
        metrics={name: _number(value) for name, value in body["metrics"].items()},
        cpu_s=body["cpu_s"],
        tier=body["tier"],
    )


def _number(value: float | None) -> float:
    """JSON has no NaN; which of those that it stands for is not kept."""
    return float("nan") if value is None else value
