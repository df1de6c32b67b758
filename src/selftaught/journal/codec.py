"""Bodies of events to JSON text and back.

The text is that of Python's own `json`: msgspec's spells floats and non-ASCII otherwise, and
refuses numbers beyond a double's range, so that stores would differ from those of before.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar, get_args

import msgspec

from selftaught.core.budget import Usage
from selftaught.journal.events import (
    ClockRead,
    Diverged,
    Evaluation,
    Invocation,
    InvocationEnd,
    LmAnswer,
    LmCall,
    MetaEvaluation,
    ModelNotice,
    Notice,
    Phase,
    Record,
    Result,
    Run,
    RunEnd,
)
from selftaught.journal.study_events import (
    AuditTally,
    AuditVerdict,
    Baseline,
    Iteration,
    Proposal,
    StrategyReadings,
    StrategyVerdict,
    Transfer,
    TransferRestart,
)

T = TypeVar("T")


class Other(Record, frozen=True):
    """Of a kind that this version does not know: `kind` is that, `said` the whole body."""

    kind: str
    said: dict[str, Any]


Body: TypeAlias = (
    Run
    | Phase
    | Notice
    | Result
    | RunEnd
    | Invocation
    | InvocationEnd
    | LmCall
    | LmAnswer
    | ClockRead
    | Diverged
    | ModelNotice
    | Evaluation
    | MetaEvaluation
    | Proposal
    | Iteration
    | Baseline
    | Transfer
    | TransferRestart
    | AuditTally
    | AuditVerdict
    | StrategyReadings
    | StrategyVerdict
    | Other
)

# The stored `kind` is the tag of the union.
KINDS: dict[str, type[Body]] = {one.kind: one for one in get_args(Body) if one is not Other}


class NotOfItsForm(ValueError):
    """A body that is not of the form of its kind; says where and how."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a run, as it was appended.

    Attributes:
        seq: its place in the store; later events have higher ones.
        key: of the thing that it happened to.
        at: unix time.
    """

    seq: int
    run_id: str
    key: str
    at: float
    body: Body

    @property
    def kind(self) -> str:
        return self.body.kind


class _AnyResult(Record, frozen=True):
    """What the results of all commands have."""

    run_id: str
    state: str
    usage: Usage


def encode(record: Record) -> str:
    """The JSON text of a body, or of a part of one. Raises: ValueError for NaN and infinities."""
    return json.dumps(_builtins(record), allow_nan=False, separators=(",", ":"))


def as_json(record: Record) -> dict[str, Any]:
    """The same as data."""
    fields: dict[str, Any] = json.loads(encode(record))
    return fields


Kinds: TypeAlias = Mapping[str, Any]  # records by their kinds


def decode(kind: str, text: str, own: Kinds = MappingProxyType({})) -> Body:
    """The body of an event; `own` are kinds that are not ours. Raises: NotOfItsForm."""
    try:
        said = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise NotOfItsForm(f"the body of this {kind} is no JSON ({error})") from None
    return from_json(kind, said, own)


def from_json(kind: str, said: Any, own: Kinds = MappingProxyType({})) -> Body:
    """The body of an event from its JSON data. Raises: NotOfItsForm."""
    if not isinstance(said, dict):
        raise NotOfItsForm(f"the body of this {kind} is no object")
    try:
        if kind == Result.kind:
            _converted(said, _AnyResult)
            return Result(said)
        known = KINDS.get(kind) or own.get(kind)
        if known is None:
            return Other(kind, said)
        body: Body = _converted(said, known)
        return body
    except msgspec.ValidationError as error:
        raise NotOfItsForm(f"this {kind} is not of its form: {error}") from None


def _converted(said: dict[str, Any], kind: type[T]) -> T:
    body = msgspec.convert(said, kind)
    for record, fields in _records(body, said):
        names = _names(record)
        unknown = {name: value for name, value in fields.items() if name not in names}
        if isinstance(record, Record):
            if unknown:
                msgspec.structs.force_setattr(record, "unknown", unknown)
        elif unknown or len(fields) < len(names):
            what = f"{type(record).__name__} of {', '.join(names)}, got {', '.join(fields)}"
            raise msgspec.ValidationError(f"Expected `{what}`")
    return body


def _builtins(record: Record) -> dict[str, Any]:
    if isinstance(record, Result):
        return record.shown
    if isinstance(record, Other):
        return record.said
    fields: dict[str, Any] = msgspec.to_builtins(record)
    for _, part in list(_records(record, fields)):
        part.update(part.pop("", {}))
    return fields


def _records(value: Any, fields: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each record in a body, with its JSON object. There are none in dictionaries."""
    if isinstance(value, Record):
        yield value, fields
        for name, stored in zip(
            value.__struct_fields__, value.__struct_encode_fields__, strict=True
        ):
            part = getattr(value, name)
            if isinstance(part, tuple):
                if part and isinstance(part[0], Record):
                    for one, said in zip(part, fields[stored], strict=True):
                        yield from _records(one, said)
            elif isinstance(part, Record) or dataclasses.is_dataclass(part):
                yield from _records(part, fields[stored])
    else:
        yield value, fields


def _names(record: Any) -> tuple[str, ...]:
    if isinstance(record, Record):
        return record.__struct_encode_fields__
    return tuple(spec.name for spec in dataclasses.fields(record))
