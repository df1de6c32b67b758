"""The journal: queued events, group commit, and failures that are never silent."""

from __future__ import annotations

import asyncio
import math
import multiprocessing
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event as sqlalchemy_event

from journal_support import put, said
from selftaught.core.errors import InfrastructureError
from selftaught.core.program import content_id
from selftaught.journal.codec import Event
from selftaught.journal.journal import SqlJournal, open_journal
from selftaught.journal.location import locate
from selftaught.journal.port import Journal
from selftaught.journal.reader import open_reader

RUN = "20261123-0455-3f9a"


def events_of(url: str, run_id: str = RUN) -> list[Event]:
    with open_reader(url) as reader:
        return list(reader.events(run_id))


def text_of(url: str, text: str) -> str | None:
    with open_reader(url) as reader:
        return reader.text(content_id(text))


@contextmanager
def database(url: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def test_events_come_back_as_they_were_appended_and_in_order(url: str) -> None:
    bodies: list[dict[str, Any]] = [{"i": i, "half": i / 2, "none": None} for i in range(100)]

    async def write() -> None:
        journal: Journal = open_journal(url, clock=lambda: 12.5)
        for i, body in enumerate(bodies):
            put(journal, RUN, "made_up", f"key{i}", body)
        await journal.aclose()

    asyncio.run(write())
    events = events_of(url)
    assert [said(event) for event in events] == bodies
    assert [event.key for event in events] == [f"key{i}" for i in range(100)]
    assert {(event.run_id, event.kind, event.at) for event in events} == {(RUN, "made_up", 12.5)}
    assert [event.seq for event in events] == sorted({event.seq for event in events})


def test_many_threads_append_and_flush_and_each_threads_events_keep_their_order(url: str) -> None:
    n_threads, n_events = 16, 200
    journal = open_journal(url)

    def work(thread: int) -> None:
        for i in range(n_events):
            put(journal, RUN, "made_up", f"{thread}", {"i": i})
            if i % 50 == 0:
                asyncio.run(journal.flush(durable=i % 100 == 0))

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(journal.aclose())
    orders: dict[str, list[int]] = {}
    for event in events_of(url):
        orders.setdefault(event.key, []).append(said(event)["i"])
    assert orders == {f"{thread}": list(range(n_events)) for thread in range(n_threads)}


def test_what_is_queued_together_is_committed_together(url: str) -> None:
    async def write() -> int:
        journal = open_journal(url)
        with open_reader(url) as reader:
            for i in range(1000):
                put(journal, RUN, "made_up", f"{i}", {})
            seen = {0}
            flush = asyncio.create_task(journal.flush())
            while not flush.done():
                await asyncio.sleep(0)
                seen.add(len(list(reader.events(RUN))))
        await journal.aclose()
        return len(seen)

    # The writer may have taken some before the flush was asked for, never one by one.
    assert asyncio.run(write()) < 20


@pytest.mark.parametrize("durable", [False, True])
def test_a_flushed_event_is_seen_by_others_at_once(url: str, durable: bool) -> None:
    async def write() -> None:
        journal = open_journal(url)
        for i in range(20):
            put(journal, RUN, "made_up", f"{i}", {})
            await journal.flush(durable=durable)
            assert len(events_of(url)) == i + 1
        await journal.aclose()

    asyncio.run(write())


def test_an_event_nobody_waits_for_is_soon_written(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        put(journal, RUN, "made_up", "k", {})
        deadline = time.monotonic() + 10
        while not events_of(url):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.005)
        await journal.aclose()

    asyncio.run(write())


def test_a_flush_of_nothing_returns(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        for durable in (False, True, False, True):
            await journal.flush(durable=durable)
        await journal.aclose()
        await journal.aclose()

    asyncio.run(write())


def test_a_cancelled_flush_does_no_harm(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        for i in range(200):
            put(journal, RUN, "made_up", f"{i}", {})
            flush = asyncio.create_task(journal.flush())
            await asyncio.sleep(0)
            flush.cancel()
        await journal.flush()
        await journal.aclose()

    asyncio.run(write())
    assert len(events_of(url)) == 200


def test_a_text_is_stored_once_however_often_it_is_named(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        for i in range(5):
            put(journal, RUN, "made_up", f"{i}", {}, texts=["same", f"own {i % 2}", "same"])
            await journal.flush()
        await journal.aclose()

    asyncio.run(write())
    assert text_of(url, "same") == "same"
    with database(url) as connection:
        assert connection.execute("SELECT count(*) FROM texts").fetchone() == (3,)


@settings(max_examples=30)
@given(
    texts=st.lists(st.text(st.characters(exclude_categories=[])), max_size=3),
    detail=st.text(),
)
def test_any_text_comes_back_exactly_lone_surrogates_included(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], detail: str
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('store')}/s.db"

    async def write() -> None:
        journal = open_journal(url)
        put(journal, RUN, "made_up", detail, {"detail": detail}, texts=texts)
        await journal.aclose()

    asyncio.run(write())
    assert [text_of(url, text) for text in texts] == texts
    assert [(event.key, said(event)["detail"]) for event in events_of(url)] == [(detail, detail)]


def test_a_lone_surrogate_may_stand_in_a_body_and_in_a_text(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        put(journal, RUN, "made_up", "k", {"detail": "a\ud800b"}, texts=["\udfff"])
        await journal.aclose()

    asyncio.run(write())
    assert said(events_of(url)[0]) == {"detail": "a\ud800b"}
    assert text_of(url, "\udfff") == "\udfff"


@pytest.mark.parametrize(
    "names", [("r\ud800", "made_up", "k"), (RUN, "\ud800", "k"), (RUN, "m", "\ud800")]
)
def test_a_lone_surrogate_in_a_name_is_refused_and_the_writer_goes_on(
    url: str, names: tuple[str, str, str]
) -> None:
    run_id, kind, key = names

    async def write() -> None:
        journal = open_journal(url)
        with pytest.raises(ValueError, match="surrogate"):
            put(journal, run_id, kind, key, {})
        put(journal, RUN, "made_up", "good", {})
        await journal.aclose()

    asyncio.run(write())
    assert [event.key for event in events_of(url)] == ["good"]


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), b"bytes"])
def test_what_is_not_json_is_refused_where_it_is_appended(url: str, value: object) -> None:
    async def write() -> None:
        journal = open_journal(url)
        with pytest.raises((ValueError, TypeError)):
            put(journal, RUN, "made_up", "bad", {"value": value})
        put(journal, RUN, "made_up", "good", {})
        await journal.aclose()

    asyncio.run(write())
    assert [event.key for event in events_of(url)] == ["good"]


def test_a_body_changed_after_it_was_appended_is_stored_as_it_was(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        body = {"i": 1}
        put(journal, RUN, "made_up", "k", body)
        body["i"] = 2
        await journal.aclose()

    asyncio.run(write())
    assert said(events_of(url)[0]) == {"i": 1}


async def full_journal(url: str) -> SqlJournal:
    """A journal whose database may grow by a few pages only, as on a full disk."""
    await open_journal(url).aclose()
    connection = locate(url).connect("write")
    pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 10}")
    return SqlJournal(locate(url), connection)


def test_a_full_disk_is_told_to_whoever_flushes_and_to_everyone_after(url: str) -> None:
    async def write() -> None:
        journal = await full_journal(url)
        put(journal, RUN, "made_up", "kept", {})
        await journal.flush()
        put(journal, RUN, "made_up", "lost", {}, texts=["x" * 1_000_000])
        waiting = [journal.flush(durable=i == 1) for i in range(3)]
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        answers.append(await _raised_by(journal.flush()))
        with pytest.raises(InfrastructureError) as refused:
            put(journal, RUN, "made_up", "later", {})
        answers.append(refused.value)
        for answer in answers:
            assert isinstance(answer, InfrastructureError)
            assert str(answer) == (
                f"the journal in store {url} could not be written: database or disk is full"
            )
        await journal.aclose()

    asyncio.run(write())
    assert [event.key for event in events_of(url)] == ["kept"]


async def _raised_by(flush: Any) -> BaseException | None:
    return (await asyncio.gather(flush, return_exceptions=True))[0]


def test_a_loss_that_nobody_was_told_of_is_raised_by_the_close_once(url: str) -> None:
    async def write() -> None:
        journal = await full_journal(url)
        put(journal, RUN, "made_up", "lost", {}, texts=["x" * 1_000_000])
        with pytest.raises(InfrastructureError, match="disk is full"):
            await journal.aclose()
        await journal.aclose()

    asyncio.run(write())


def test_a_table_that_vanishes_under_a_run_is_an_error_and_not_a_silence(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        with database(url) as connection:
            connection.execute("DROP TABLE events")
        put(journal, RUN, "made_up", "lost", {})
        with pytest.raises(InfrastructureError, match="no such table: events") as refused:
            await journal.flush()
        assert "\n" not in str(refused.value)
        await journal.aclose()

    asyncio.run(write())


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_removed_or_replaced_under_a_run_is_an_error_and_not_a_silence(
    url: str, folder: Path, replaced: bool
) -> None:
    async def write() -> None:
        journal = open_journal(url)
        put(journal, RUN, "made_up", "kept", {})
        await journal.flush()
        (folder / "store.db").rename(folder / "moved.db")
        if replaced:
            (folder / "store.db").write_bytes(b"")
        put(journal, RUN, "made_up", "lost", {})
        with pytest.raises(InfrastructureError, match="was removed or replaced") as refused:
            await journal.flush(durable=True)
        assert "\n" not in str(refused.value)
        await journal.aclose()

    asyncio.run(write())
    for side_file in ("store.db-wal", "store.db-shm"):
        (folder / side_file).unlink(missing_ok=True)


def test_a_closed_journal_takes_no_more_events(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        await journal.aclose()
        with pytest.raises(InfrastructureError, match="is closed"):
            put(journal, RUN, "made_up", "late", {})
        with pytest.raises(InfrastructureError, match="is closed"):
            await journal.flush()

    asyncio.run(write())


def test_the_writer_waits_while_another_process_holds_the_lock(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        with database(url) as other:
            other.execute("BEGIN IMMEDIATE")
            put(journal, RUN, "made_up", "k", {})
            flush = asyncio.create_task(journal.flush())
            await asyncio.sleep(0.2)
            assert not flush.done()
            other.execute("COMMIT")
            await flush
        await journal.aclose()

    asyncio.run(write())
    assert len(events_of(url)) == 1


def _write_run(url: str, run_id: str, barrier: Any) -> None:
    async def write() -> None:
        barrier.wait()
        journal = open_journal(url)
        for i in range(50):
            put(journal, run_id, "made_up", f"{i}", {})
            await journal.flush(durable=i % 10 == 0)
        await journal.aclose()

    asyncio.run(write())


def test_several_processes_may_create_and_write_one_store_at_the_same_time(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    run_ids = [f"run{i}" for i in range(4)]
    processes = [
        context.Process(target=_write_run, args=(url, run_id, barrier)) for run_id in run_ids
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 4
    for run_id in run_ids:
        assert [event.key for event in events_of(url, run_id)] == [f"{i}" for i in range(50)]


def _append_and_die(url: str) -> None:
    async def write() -> None:
        journal = open_journal(url)
        for i in range(10):
            put(journal, RUN, "lm_answer", f"{i}", {})
        await journal.flush(durable=True)
        os._exit(9)

    asyncio.run(write())


def test_what_was_flushed_outlives_a_process_that_is_killed(url: str) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_append_and_die, args=(url,))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert len(events_of(url)) == 10


def test_appending_takes_as_long_however_long_the_run_is(url: str) -> None:
    body = {"program": "0" * 16, "task": "bin_packing", "value": 0.5, "per_instance": [0.1] * 10}

    async def append(journal: SqlJournal, n: int) -> float:
        start_s = time.perf_counter()
        for i in range(n):
            put(journal, RUN, "made_up", f"{i}", body, texts=["def algorithm(): ..." * 50])
        await journal.flush()
        return (time.perf_counter() - start_s) / n

    async def write() -> tuple[float, float]:
        journal = open_journal(url)
        early_s = min([await append(journal, 2_000) for _ in range(3)])
        await append(journal, 30_000)
        late_s = min([await append(journal, 2_000) for _ in range(3)])
        await journal.aclose()
        return early_s, late_s

    early_s, late_s = asyncio.run(write())
    assert late_s <= 3 * early_s  # six times as many rows


def test_what_is_durable_is_synchronous_on_the_disk(url: str) -> None:
    asyncio.run(open_journal(url).aclose())
    connection = locate(url).connect("write")
    said: list[str] = []

    @sqlalchemy_event.listens_for(connection, "before_cursor_execute")
    def hear(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        said.append(statement)

    async def write() -> None:
        journal = SqlJournal(locate(url), connection)
        for durable in (False, True):
            put(journal, RUN, "clock", "", {})
            await journal.flush(durable=durable)
        await journal.aclose()

    asyncio.run(write())
    levels = [one.rpartition("=")[2] for one in said if "synchronous" in one]
    assert levels == ["NORMAL", "FULL"]
