"""What reading commands do of a run grows with its events, counted and not timed."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from made_journal import Shape, make_journal
from selftaught.analysis.recorded_run import recorded
from selftaught.analysis.strategies.found import LINEAGE_KINDS, ancestries, traced
from selftaught.analysis.trace import trace_run
from selftaught.app.pages import run_page
from selftaught.app.program_page import trace_page
from selftaught.app.run_list import list_runs
from selftaught.journal.reader import JournalReader, open_reader
from selftaught.pages.terminal import as_text
from selftaught.studies.registry import studies
from selftaught.studies.verify import verify_store

RUN_ID = "made"


def strategies(reader: JournalReader) -> None:
    improvers = ancestries(reader.events(RUN_ID, LINEAGE_KINDS))
    assert list(traced(reader, RUN_ID, improvers, {}))


READINGS: dict[str, Callable[[JournalReader], Any]] = {
    "show": lambda reader: as_text(run_page(recorded(reader, RUN_ID))),
    "trace": lambda reader: as_text(trace_page(trace_run(reader, RUN_ID))),
    "strategies": strategies,
    "verify": lambda reader: verify_store(reader, studies()),
    "runs": list_runs,
}
# Some three times the events: what is quadratic does nine times the work.
SIZES: dict[Shape, tuple[int, int]] = {
    "run": (1200, 4000),
    "improve": (500, 1500),
    "search": (500, 1500),
}
MOST_GROWTH = 1.25


@pytest.fixture(scope="module", params=["run", "improve", "search"])
def stores(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A journal of each size."""
    shape: Shape = request.param
    found = []
    for size in SIZES[shape]:
        store = f"sqlite:///{tmp_path_factory.mktemp(shape)}/{size}.db"
        asyncio.run(make_journal(store, RUN_ID, shape, size))
        found.append(store)
    return found


def work(reading: Callable[[JournalReader], Any], store: str) -> tuple[int, int]:
    """How many events a run has, and how many calls of functions it takes to read it."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: object) -> None:
        calls[event] += 1

    with open_reader(store) as reader:
        events = sum(1 for _ in reader.raw_events(RUN_ID))
        reading(reader)  # what is done once in a process
        sys.setprofile(count)
        try:
            reading(reader)
        finally:
            sys.setprofile(None)
    return events, calls["call"] + calls["c_call"]


def test_a_made_journal_is_one_that_verify_finds_nothing_in(stores: list[str]) -> None:
    with open_reader(stores[0]) as reader:
        assert verify_store(reader, studies()).findings == ()


@pytest.mark.parametrize("name", READINGS)
def test_reading_more_events_takes_no_more_work_for_each(name: str, stores: list[str]) -> None:
    (few, least), (many, most) = (work(READINGS[name], store) for store in stores)
    assert most / least < MOST_GROWTH * many / few
