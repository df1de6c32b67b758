"""What every journal must fulfil, wherever it writes."""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from selftaught.core.errors import InfrastructureError
from selftaught.core.program import content_id
from selftaught.journal.codec import Other, as_json
from selftaught.journal.journal import open_journal
from selftaught.journal.port import Journal
from selftaught.journal.reader import open_reader

RUN = "20261123-0455-3f9a"
# Of a kind that no version knows, so that its body may be anything.
KIND = "conformance"

# Texts that stores are known to change, cut or refuse.
TEXTS = [
    "",
    "a\x00b",
    "\x00",
    "\r\n\t\x0b\x1c\x85\u2028",
    "e\u0301 \u00e9",
    "\ud800",
    "a\udfff\ud800b",
    "\U0001f40d\U0010ffff",
    "\ufeff\ufffe\uffff",
    "'; DROP TABLE events; --",
    "\\u0000 \\x00 %s {} \"'",
    " padded ",
    "x" * 2_000_000,
]
NUMBERS = [0.1, 5e-324, -0.0, sys.float_info.max, 2**53 + 1, -(2**64), 10**40, True, None]


@dataclass
class SqlStore:
    """A journal's store, written by one and read by another."""

    url: str

    def open(self) -> Journal:
        return open_journal(self.url)

    def events(self, run_id: str) -> list[tuple[str, str, dict[str, Any]]]:
        with open_reader(self.url) as reader:
            return [(event.kind, event.key, as_json(event.body)) for event in reader.events(run_id)]

    def text(self, text_id: str) -> str | None:
        with open_reader(self.url) as reader:
            return reader.text(text_id)


@pytest.fixture(params=["url", pytest.param("server_url", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest) -> SqlStore:
    """Of a file, and of a server."""
    return SqlStore(request.getfixturevalue(request.param))


def test_events_come_back_as_they_were_appended_and_in_order(store: SqlStore) -> None:
    bodies: list[dict[str, Any]] = [
        {"i": i, "half": i / 2, "none": None, "list": [i, {"deep": "x"}]} for i in range(300)
    ]

    async def write(journal: Journal) -> None:
        for i, body in enumerate(bodies):
            journal.append(RUN, Other(f"kind{i % 3}", body), f"key{i}")

    _written(store, write)
    expected = [(f"kind{i % 3}", f"key{i}", body) for i, body in enumerate(bodies)]
    assert store.events(RUN) == expected


def test_runs_are_kept_apart_and_later_journals_go_on(store: SqlStore) -> None:
    for part in range(2):

        async def write(journal: Journal, part: int = part) -> None:
            for run_id in ("a", "b"):
                journal.append(run_id, Other(KIND, {}), f"{run_id}{part}")

        _written(store, write)
    assert [key for _, key, _ in store.events("a")] == ["a0", "a1"]
    assert [key for _, key, _ in store.events("b")] == ["b0", "b1"]
    assert store.events("c") == []


@pytest.mark.parametrize("durable", [False, True])
def test_a_flushed_event_is_seen_by_others_at_once(store: SqlStore, durable: bool) -> None:
    async def write(journal: Journal) -> None:
        for i in range(20):
            journal.append(RUN, Other(KIND, {}), f"{i}", texts=[f"text {i}"])
            await journal.flush(durable=durable)
            assert [key for _, key, _ in store.events(RUN)] == [f"{j}" for j in range(i + 1)]
            assert store.text(content_id(f"text {i}")) == f"text {i}"

    _written(store, write)


def test_flushes_at_once_and_of_nothing_return(store: SqlStore) -> None:
    async def write(journal: Journal) -> None:
        for durable in (False, True, True):
            await journal.flush(durable=durable)
        journal.append(RUN, Other(KIND, {}), "k")
        await asyncio.gather(*(journal.flush(durable=i % 2 == 0) for i in range(10)))
        assert len(store.events(RUN)) == 1

    _written(store, write)


def test_an_event_that_nobody_waits_for_is_soon_written(store: SqlStore) -> None:
    async def write(journal: Journal) -> None:
        journal.append(RUN, Other(KIND, {}), "k")
        deadline_s = time.monotonic() + 10
        while not store.events(RUN):
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.005)

    _written(store, write)


def test_a_cancelled_flush_loses_nothing(store: SqlStore) -> None:
    async def write(journal: Journal) -> None:
        for i in range(100):
            journal.append(RUN, Other(KIND, {}), f"{i}")
            flush = asyncio.create_task(journal.flush(durable=i % 10 == 0))
            await asyncio.sleep(0)
            flush.cancel()
        await journal.flush()

    _written(store, write)
    assert [key for _, key, _ in store.events(RUN)] == [f"{i}" for i in range(100)]


def test_threads_append_at_once_and_each_ones_events_keep_their_order(store: SqlStore) -> None:
    def append(journal: Journal, thread: int) -> None:
        for i in range(100):
            journal.append(RUN, Other(KIND, {"i": i}), f"{thread}")
            if i % 25 == 0:
                asyncio.run(journal.flush(durable=i == 0))

    async def write(journal: Journal) -> None:
        threads = [threading.Thread(target=append, args=(journal, i)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)

    _written(store, write)
    orders: dict[str, list[int]] = {}
    for _, key, body in store.events(RUN):
        orders.setdefault(key, []).append(body["i"])
    assert orders == {f"{thread}": list(range(100)) for thread in range(8)}


def test_any_text_comes_back_exactly(store: SqlStore) -> None:
    async def write(journal: Journal) -> None:
        for text in TEXTS:
            journal.append(RUN, Other(KIND, {"said": text}), "k", texts=[text, text])
            journal.append(RUN, Other(KIND, {}), "again", texts=[text])

    _written(store, write)
    assert [body["said"] for _, _, body in store.events(RUN)[::2]] == TEXTS
    assert [store.text(content_id(text)) for text in TEXTS] == TEXTS
    assert store.text(content_id("never stored")) is None


def test_numbers_come_back_exactly_and_of_their_kind(store: SqlStore) -> None:
    async def write(journal: Journal) -> None:
        journal.append(RUN, Other(KIND, {"numbers": NUMBERS}), "k")

    _written(store, write)
    [(_, _, body)] = store.events(RUN)
    assert [repr(number) for number in body["numbers"]] == [repr(number) for number in NUMBERS]


@pytest.mark.parametrize("value", [math.nan, -math.inf, object(), b"bytes", {1, 2}])
def test_what_is_not_json_is_refused_where_it_is_appended(store: SqlStore, value: object) -> None:
    async def write(journal: Journal) -> None:
        with pytest.raises((ValueError, TypeError)):
            journal.append(RUN, Other(KIND, {"value": value}), "bad")
        journal.append(RUN, Other(KIND, {}), "good")

    _written(store, write)
    assert [key for _, key, _ in store.events(RUN)] == ["good"]


def test_a_body_that_is_changed_later_is_stored_as_it_was(store: SqlStore) -> None:
    async def write(journal: Journal) -> None:
        body = {"list": [1]}
        journal.append(RUN, Other(KIND, body), "k")
        body["list"].append(2)

    _written(store, write)
    assert store.events(RUN) == [(KIND, "k", {"list": [1]})]


def test_a_closed_journal_may_be_closed_again_and_takes_no_more(store: SqlStore) -> None:
    async def write() -> None:
        journal = store.open()
        journal.append(RUN, Other(KIND, {}), "k")
        await journal.aclose()
        assert len(store.events(RUN)) == 1
        await journal.aclose()
        with pytest.raises(InfrastructureError):
            journal.append(RUN, Other(KIND, {}), "late")
        with pytest.raises(InfrastructureError):
            await journal.flush()

    asyncio.run(write())


def _written(store: SqlStore, write: Callable[[Journal], Awaitable[None]]) -> None:
    async def run() -> None:
        journal = store.open()
        try:
            await write(journal)
        finally:
            await journal.aclose()

    asyncio.run(run())
