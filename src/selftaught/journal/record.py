"""What all that a journal holds is made of: JSON objects of a known form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, TypeAlias

import msgspec

# A whole number that was written as one is one when it is read again.
Number: TypeAlias = int | float
Interval: TypeAlias = tuple[Number, Number]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A JSON object of a known form.

    Attributes:
        unknown: fields that another version wrote; after the known ones when it is written again.
    """

    unknown: dict[str, Any] = msgspec.field(name="", default_factory=dict)

    # Fields that name texts, alone, in lists or by a name; or that are records which do.
    naming_texts: ClassVar[tuple[str, ...]] = ()

    def text_ids(self) -> Iterator[str]:
        """The texts that it names."""
        for field in self.naming_texts:
            found = getattr(self, field)
            if isinstance(found, str):
                yield found
            else:
                yield from text_ids(found)


class EventRecord(Record, frozen=True):
    """The body of an event; `kind` is how it is stored."""

    kind: ClassVar[str]


def text_ids(found: Any) -> Iterator[str]:
    """Of what a field that names texts holds."""
    match found:
        case str():
            yield found
        case Record():
            yield from found.text_ids()
        case list() | tuple() | dict():
            for part in found.values() if isinstance(found, dict) else found:
                yield from text_ids(part)
