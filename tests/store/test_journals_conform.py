"""The journals that there are keep to the contract of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from selftaught.core.ports import Journal
from selftaught.store.journal import open_journal
from selftaught.store.reader import open_reader
from selftaught.testing.journal_conformance import JournalConformance


@dataclass
class SqlStore:
    url: str

    def open(self) -> Journal:
        return open_journal(self.url)

    def events(self, run_id: str) -> list[tuple[str, str, dict[str, Any]]]:
        with open_reader(self.url) as reader:
            return [(event.kind, event.key, dict(event.body)) for event in reader.events(run_id)]

    def text(self, text_id: str) -> str | None:
        with open_reader(self.url) as reader:
            return reader.text(text_id)


@pytest.fixture
def store(url: str) -> SqlStore:
    return SqlStore(url)


class TestSqliteJournal(JournalConformance):
    """On SQLite."""
