"""A run as its journal has it: what its study's result and its page follow from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from selftaught.analysis.run_head import RunHead, read_head
from selftaught.journal.codec import Event
from selftaught.journal.reader import JournalReader


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
    text: Callable[[str], str | None]

    @property
    def run_id(self) -> str:
        return self.head.run_id


def recorded_run(reader: JournalReader, run_id: str) -> RecordedRun:
    """All of a run.

    Raises: LookupError if the store does not hold it.
    """
    head = read_head(reader, run_id)
    return RecordedRun(head, list(reader.events(run_id)), reader.text)
