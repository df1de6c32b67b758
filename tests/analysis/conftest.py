"""A store with the runs of `handmade_journal`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from handmade_journal import write_all

from selftaught.journal.journal import open_journal
from selftaught.journal.reader import JournalReader, open_reader


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[JournalReader]:
    url = f"sqlite:///{tmp_path}/store.db"

    async def write() -> None:
        journal = open_journal(url)
        write_all(journal)
        await journal.aclose()

    asyncio.run(write())
    with open_reader(url) as reader:
        yield reader
