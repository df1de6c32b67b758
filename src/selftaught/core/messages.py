"""What guests say, parsed once: the only place where a frame becomes a message.

A frame's value is whatever the codec can carry, chosen by a hostile sender: an array stands where a
number should, keys are missing or too many. Types are compared exactly and nothing of the value is
asked to compare itself, so that no form of it raises anything here but `WireError`, which is the
guest's `bad_output`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from selftaught.core.errors import InfrastructureError
from selftaught.core.outcome import FAILURE_KINDS, Failed
from selftaught_guest.wire import WireError

_DETAIL_CHARS = 2000
PRINTED_CHARS = 2000
_LARGEST_NUMBER = (1 << 63) - 1

Refusal: TypeAlias = Literal["budget", "value", "model", "ends"]


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Score these; None stands for what is no text. With `against`, race them against that."""

    solutions: tuple[str | None, ...]
    against: str | None = None


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """One call of the language model: one message with `n` responses, or several with one each.

    Attributes:
        model: name of the one that is to be asked; "" for whichever is drawn.
        note: what the improver wants to have written down of this call.
    """

    expertise: str
    messages: tuple[str, ...]
    n: int
    temperature: float
    model: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class ClockRequest:
    """What time is it?"""


@dataclass(frozen=True, slots=True)
class EndedRequest:
    """The guest has come to a reply that says where a journal ends, and goes no further."""


@dataclass(frozen=True, slots=True)
class RunCodeRequest:
    """Run a program, in the sandbox or not, as a runner of a sandbox audit is asked to."""

    code: str
    use_sandbox: bool


@dataclass(frozen=True, slots=True)
class AttemptNotice:
    """What the watch around an audited program has seen."""

    kind: str
    detail: str


Request: TypeAlias = (
    ScoreRequest | PromptRequest | ClockRequest | EndedRequest | RunCodeRequest | AttemptNotice
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of an improver, by the number that it has given it."""

    number: int
    request: Request


@dataclass(frozen=True, slots=True)
class Answer:
    """A guest's last word on a call: a value, or the failure that it reports of itself.

    Attributes:
        printed: the beginning of what it printed since its last answer.
    """

    value: Any | Failed
    printed: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request comes to, on its way back.

    Attributes:
        data: what the guest is sent.
        refused: "" if it was served; else `budget`, `value` (what it asks makes no sense),
            `model` (the provider refuses the prompt) or `ends` (a replay's journal has no more).
    """

    data: Mapping[str, Any]
    refused: Refusal | Literal[""] = ""


def refusal(why: Refusal, detail: str) -> Reply:
    """A reply that is an exception in the guest."""
    return Reply({"error": why, "detail": detail}, why)


def check_locked(first: Any) -> None:
    """A guest's first frame says how its lock-down went; what comes later could be forged.

    Raises: InfrastructureError if it is not locked down.
    """
    if _tag(first) == "locked" and len(first) == 1:
        return
    if _tag(first) == "lockdown" and len(first) == 2 and type(first[1]) is str:
        raise InfrastructureError(f"a guest could not be locked down: {first[1]}")
    raise InfrastructureError("a guest did not say that it is locked down")


def parse_answer(value: Any) -> Answer:
    """What a candidate sends, once it is locked down.

    Raises: WireError on any other form.
    """
    tag = _tag(value)
    if tag == "ready" and len(value) == 1:
        return Answer(None)
    said = {"ok": 2, "failed": 3}.get(tag, 0)
    printed = value[said:] if said else ()
    if said and len(value) >= said and len(printed) <= 1 and all(type(t) is str for t in printed):
        words = "".join(printed)[:PRINTED_CHARS]
        if tag == "ok":
            return Answer(value[1], words)
        _, kind, detail = value[:said]
        if type(kind) is str and type(detail) is str and kind in FAILURE_KINDS:
            return Answer(Failed(kind, detail[:_DETAIL_CHARS]), words)
    raise WireError("the guest sent a frame that is no answer")


def parse_message(value: Any) -> Asked | Answer:
    """What an improver sends, once it is locked down.

    Raises: WireError on any other form.
    """
    if _tag(value) != "request":
        return parse_answer(value)
    if len(value) != 3 or type(value[1]) is not int or not 0 <= value[1] <= _LARGEST_NUMBER:
        raise WireError("the guest sent a request without a number")
    return Asked(value[1], _parse_request(value[2]))


def _tag(value: Any) -> str:
    """The first word of a message; "" if it has none."""
    if type(value) is tuple and value and type(value[0]) is str:
        return str(value[0])
    return ""


def _parse_request(body: Any) -> Request:
    if type(body) is not dict or not all(type(key) is str for key in body):
        raise WireError("a request that is no table of fields")
    fields = dict(body)
    op = fields.pop("op", None)
    if type(op) is not str:
        raise WireError("a request that does not say for what")
    match op:
        case "utility":
            solutions, *against = _exactly(
                fields, solutions=list, **{name: str for name in ("against",) if name in fields}
            )
            if not all(text is None or type(text) is str for text in solutions):
                raise WireError("solutions that are no texts")
            return ScoreRequest(tuple(solutions), *against)
        case "prompt":
            expertise, messages, n, temperature, model, note = _exactly(
                {"model": "", "note": "", **fields},
                **{"expertise": str, "messages": list, "n": int, "temperature": float},
                **{"model": str, "note": str},
            )
            if not all(type(message) is str for message in messages):
                raise WireError("messages that are no texts")
            return PromptRequest(expertise, tuple(messages), n, temperature, model, note)
        case "clock":
            _exactly(fields)
            return ClockRequest()
        case "ended":
            _exactly(fields)
            return EndedRequest()
        case "run_code":
            return RunCodeRequest(*_exactly(fields, code=str, use_sandbox=bool))
        case "attempt":
            return AttemptNotice(*_exactly(fields, kind=str, detail=str))
    raise WireError("a request for what there is not")


def _exactly(fields: dict[str, Any], **kinds: type) -> tuple[Any, ...]:
    """The values of just these fields, each of just this type."""
    if fields.keys() != kinds.keys():
        raise WireError("a request with fields that are not the contract's")
    for name, kind in kinds.items():
        if type(fields[name]) is not kind:
            raise WireError(f"a request whose {name} is no {kind.__name__}")
    return tuple(fields[name] for name in kinds)
