"""Reading a store, also while a run writes it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from journal_support import put
from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.journal.events import Evaluation, RunEnd
from selftaught.journal.journal import open_journal
from selftaught.journal.reader import open_reader

RUNS = ["20261123-0455-3f9a", "20261123-0455-77aa", "20261124-0100-0001"]


@pytest.fixture
def store(url: str) -> str:
    """Three runs; the first was resumed after the others had started."""

    async def write() -> None:
        journal = open_journal(url)
        for run_id in RUNS:
            put(journal, run_id, "run", run_id, {"command": "run"})
            put(journal, run_id, "evaluation", "e", {})
        put(journal, RUNS[0], "run", RUNS[0], {"command": "run"})
        put(journal, RUNS[0], "run_end", RUNS[0], {})
        await journal.aclose()

    asyncio.run(write())
    return url


def test_runs_are_listed_newest_first_by_their_first_start(store: str) -> None:
    with open_reader(store) as reader:
        assert reader.runs() == list(reversed(RUNS))


def test_events_are_those_of_one_run_and_of_the_wanted_kinds(store: str) -> None:
    with open_reader(store) as reader:
        kinds = [event.kind for event in reader.events(RUNS[0])]
        assert kinds == ["run", "evaluation", "run", "run_end"]
        wanted = [event.kind for event in reader.events(RUNS[0], kinds=[RunEnd, Evaluation])]
        assert wanted == ["evaluation", "run_end"]
        assert list(reader.events("no such run")) == []
        assert list(reader.events(RUNS[0], kinds=[])) == []


def test_a_text_that_the_store_does_not_hold_is_none(store: str) -> None:
    with open_reader(store) as reader:
        assert reader.text("0" * 16) is None


@pytest.mark.parametrize(
    ("prefix", "run_id"),
    [("latest", RUNS[2]), ("20261124", RUNS[2]), ("20261123-0455-7", RUNS[1]), (RUNS[0], RUNS[0])],
)
def test_a_run_is_found_by_any_unique_start_of_its_id(store: str, prefix: str, run_id: str) -> None:
    with open_reader(store) as reader:
        assert reader.resolve_run(prefix) == run_id


@pytest.mark.parametrize(
    ("prefix", "candidates"),
    [("20261123", RUNS[:2]), ("nonsense", RUNS), ("", RUNS), ("no\nsuch", RUNS), ("%", RUNS)],
)
def test_an_unclear_run_is_refused_with_the_candidates(
    store: str, prefix: str, candidates: list[str]
) -> None:
    with open_reader(store) as reader:
        with pytest.raises(ConfigError) as refused:
            reader.resolve_run(prefix)
    message = str(refused.value)
    assert "\n" not in message
    assert [run_id for run_id in RUNS if run_id in message] == candidates


def test_a_store_without_runs_says_how_to_start_one(url: str) -> None:
    asyncio.run(open_journal(url).aclose())
    with open_reader(url) as reader:
        with pytest.raises(ConfigError, match="holds no runs yet; start one with selftaught run"):
            reader.resolve_run("latest")


def test_a_reader_can_change_nothing(store: str) -> None:
    with open_reader(store) as reader:
        with pytest.raises(Exception, match="readonly"):
            reader._connection.exec_driver_sql("DELETE FROM events")


def test_readers_work_while_a_writer_writes_and_never_hold_it_up(url: str) -> None:
    n_events = 3000
    journal = open_journal(url)
    put(journal, "r", "run", "r", {})
    asyncio.run(journal.flush())
    done = threading.Event()
    problems: list[str] = []

    def read() -> None:
        with open_reader(url) as reader:
            seen = 0
            while not done.is_set():
                events = list(reader.events("r"))
                seqs = [event.seq for event in events]
                if seqs != list(range(1, len(seqs) + 1)) or len(seqs) < seen:
                    problems.append(f"{seen} {seqs[:3]} {len(seqs)}")
                seen = len(seqs)

    async def write() -> None:
        for i in range(n_events):
            put(journal, "r", "evaluation", f"{i}", {"i": i})
            if i % 100 == 0:
                await journal.flush()
        await asyncio.wait_for(journal.aclose(), timeout=60)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in readers:
        thread.start()
    asyncio.run(write())
    done.set()
    for thread in readers:
        thread.join()
    assert problems == []
    with open_reader(url) as reader:
        assert len(list(reader.events("r"))) == n_events + 1


def test_events_already_asked_for_hold_no_lock(store: str) -> None:
    with open_reader(store) as reader:
        events = reader.events(RUNS[0])
        next(events)
        path = store.removeprefix("sqlite:///")
        connection = sqlite3.connect(path, timeout=1, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        connection.close()
        assert len(list(events)) == 3


def test_a_store_that_goes_bad_while_it_is_read_is_our_failure(store: str, folder: Path) -> None:
    with open_reader(store) as reader:
        (folder / "store.db").write_bytes(b"no database" * 4096)
        with pytest.raises(InfrastructureError, match="could not be read") as failed:
            reader.runs()
        assert "\n" not in str(failed.value)
    for side_file in ("store.db-wal", "store.db-shm"):
        (folder / side_file).unlink(missing_ok=True)


def test_a_run_is_followed_by_a_cursor(store: str) -> None:
    with open_reader(store) as reader:
        first, *rest = list(reader.events(RUNS[0]))
        assert list(reader.events(RUNS[0], after=first.seq)) == rest
        assert list(reader.events(RUNS[0], after=rest[-1].seq)) == []


def test_what_happened_to_one_thing_is_read_by_its_key_and_by_an_index(store: str) -> None:
    with open_reader(store) as reader:
        assert [event.kind for event in reader.events(RUNS[0], keys=["e"])] == ["evaluation"]
        query = "EXPLAIN QUERY PLAN SELECT * FROM events WHERE run_id = 'r' AND key IN ('e')"
        (plan,) = reader._connection.exec_driver_sql(query).all()
    assert "events_by_key (run_id=? AND key=?)" in plan.detail


def test_an_event_that_is_not_of_its_form_is_named_with_its_place(store: str) -> None:
    database = sqlite3.connect(store.removeprefix("sqlite:///"))
    with database:
        database.execute("UPDATE events SET body = '{}' WHERE seq = 2")
    database.close()
    with open_reader(store) as reader:
        with pytest.raises(InfrastructureError, match="event 2: this evaluation is not of its for"):
            list(reader.events(RUNS[0]))
