"""Bodies of events to JSON text and back.

The text is that of Python's own `json`: msgspec's spells floats and non-ASCII otherwise, and
refuses numbers beyond a double's range, so that stores would differ from those of before.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar, get_args

import msgspec

from selftaught.core.budget import Usage
from selftaught.journal import bench_events, events, ignition_events, race_events, study_events
from selftaught.journal.events import Result
from selftaught.journal.record import EventRecord, Record

T = TypeVar("T")


class Other(Record, frozen=True):
    """Of a kind that this version does not know: `kind` is that, `said` the whole body."""

    kind: str
    said: dict[str, Any]


Body: TypeAlias = EventRecord | Other

# Ours, by how they are stored: all that these modules describe.
KINDS: dict[str, type[EventRecord]] = {
    one.kind: one
    for module in (events, study_events, bench_events, race_events, ignition_events)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, EventRecord) and hasattr(one, "kind")
}


class NotOfItsForm(ValueError):
    """A body that is not of the form of its kind; says where and how."""


class Event(msgspec.Struct, frozen=True):
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


def encode(record: Any) -> str:
    """The JSON text of a body, or of a part of one. Raises: ValueError for NaN and infinities."""
    return json.dumps(_builtins(record), allow_nan=False, separators=(",", ":"))


def as_json(record: Any) -> dict[str, Any]:
    """The same as data; of any record or dataclass."""
    fields: dict[str, Any] = json.loads(encode(record))
    return fields


Kinds: TypeAlias = Mapping[str, Any]  # records by their kinds


def decode(kind: str, text: str, own: Kinds = MappingProxyType({})) -> Body:
    """The body of an event; `own` are kinds that are not ours. Raises: NotOfItsForm."""
    known = KINDS.get(kind) or own.get(kind)
    at_once = None if known in (None, Result) else _at_once(text, known)
    if at_once is not None:
        return at_once
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


def _at_once(text: str, kind: type[EventRecord]) -> Body | None:
    """The body from the text, five times as fast; None where it takes a look at each field."""
    if _parts(kind):
        return None
    fields, body = _decoders(kind)
    try:
        return body.decode(text) if fields.decode(text).keys() <= _names(kind).keys() else None
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return None  # it is wrong, or holds what only `json` reads


def _converted(said: dict[str, Any], kind: type[T]) -> T:
    body = msgspec.convert(said, kind)
    for record, fields in _records(body, said):
        names = _names(record.__class__).keys()
        if isinstance(record, Record):
            if not fields.keys() <= names:
                unknown = {name: value for name, value in fields.items() if name not in names}
                msgspec.structs.force_setattr(record, "unknown", unknown)
        elif fields.keys() != names:
            what = f"{type(record).__name__} of {', '.join(names)}, got {', '.join(fields)}"
            raise msgspec.ValidationError(f"Expected `{what}`")
    return body


def _builtins(record: Any) -> dict[str, Any]:
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
    yield value, fields
    for name, stored in _parts(value.__class__):
        part = getattr(value, name)
        if isinstance(part, tuple):
            if part and isinstance(part[0], Record):
                for one, said in zip(part, fields[stored], strict=True):
                    yield from _records(one, said)
        elif isinstance(part, Record) or dataclasses.is_dataclass(part):
            yield from _records(part, fields[stored])


# Asked for every event that is read, and the same for all of a kind.
@cache
def _decoders(
    kind: type[EventRecord],
) -> tuple[msgspec.json.Decoder[dict[str, msgspec.Raw]], msgspec.json.Decoder[Body]]:
    return msgspec.json.Decoder(dict[str, msgspec.Raw]), msgspec.json.Decoder(kind)


@cache
def _names(kind: Any) -> dict[str, None]:
    """The names of its fields as they are stored, in their order."""
    if issubclass(kind, Record):
        return dict.fromkeys(kind.__struct_encode_fields__)
    return dict.fromkeys(spec.name for spec in dataclasses.fields(kind))


@cache
def _parts(kind: Any) -> tuple[tuple[str, str], ...]:
    """Fields in which there may be records, with their names as they are stored."""
    if not issubclass(kind, Record):
        return ()
    return tuple(
        (field.name, field.encode_name)
        for field in msgspec.structs.fields(kind)
        if _has_records(field.type)
    )


def _has_records(annotation: Any) -> bool:
    if isinstance(annotation, type) and not get_args(annotation):
        return issubclass(annotation, Record) or dataclasses.is_dataclass(annotation)
    return any(map(_has_records, get_args(annotation)))
