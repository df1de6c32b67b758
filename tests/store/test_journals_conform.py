"""The journals that there are keep to the contract of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from selftaught.journal.codec import as_json
from selftaught.journal.journal import open_journal
from selftaught.journal.port import Journal
from selftaught.journal.reader import open_reader
from selftaught.testing.journal_conformance import JournalConformance


@dataclass
class SqlStore:
    url: str

    def open(self) -> Journal:
        return open_journal(self.url)

    def events(self, run_id: str) -> list[tuple[str, str, dict[str, Any]]]:
        with open_reader(self.url) as reader:
            return [(event.kind, event.key, as_json(event.body)) for event in reader.events(run_id)]

    def text(self, text_id: str) -> str | None:
        with open_reader(self.url) as reader:
            return reader.text(text_id)


@pytest.fixture
def store(url: str) -> SqlStore:
    return SqlStore(url)


class TestSqliteJournal(JournalConformance):
    """On SQLite."""
