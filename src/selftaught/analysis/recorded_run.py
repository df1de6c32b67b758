"""A run as its journal has it: what its study's result and its page follow from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from selftaught.analysis.run_head import RunHead, read_head
from selftaught.journal.codec import Event
from selftaught.journal.events import EventRecord
from selftaught.journal.reader import JournalReader

Text: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """What a run has recorded so far.

    Attributes:
        head: what it is, and how it stands.
        events: in their order, those of its start and its ends among them.
        text: the text of a content id, or None.
    """

    head: RunHead
    events: Sequence[Event]
    text: Text

    @property
    def run_id(self) -> str:
        return self.head.run_id


def recorded(
    reader: JournalReader, run_id: str, own: Collection[type[EventRecord]] = ()
) -> RecordedRun:
    """All of a run; `own` are the kinds of events that its study alone writes.

    Raises: LookupError if the store does not hold it.
    """
    head = read_head(reader, run_id)
    return RecordedRun(head, list(reader.events(run_id, own=own)), reader.text)


def no_text(text_id: str) -> None:
    """Of a run that has recorded nothing yet."""
