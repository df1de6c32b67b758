"""Stores of older schemas: migrated where they are opened, whole or not at all."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from old_stores import append, dump, make_schema_1
from sqlalchemy import Connection

from journal_support import said, view_run
from read_only import run_read_only
from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.journal.codec import KINDS
from selftaught.journal.database import guarded_connection
from selftaught.journal.journal import open_journal
from selftaught.journal.location import check_writable, locate
from selftaught.journal.migrations import MIGRATIONS, migrate
from selftaught.journal.reader import open_reader
from selftaught.journal.schema import SCHEMA_VERSION, schema_version

BY_HAND = "20261001-000000-beef"
USAGE: dict[str, float] = {
    "lm_calls": 0,
    "requests": 0,
    "samples": 5,
    "tokens_in": 10,
    "tokens_out": 20,
    "usd": 0.0,
}
CALL: dict[str, Any] = {
    "invocation": "i",
    "system": "00" * 16,
    "user": "00" * 16,
    "n": 2,
    "temperature": 0.7,
    "max_tokens": 10,
    "seeds": [1, 2],
}
ANSWER: dict[str, Any] = {
    "invocation": "i",
    "state": "answered",
    "detail": "",
    "texts": ["00" * 16] * 3,
    "model": "m",
    "usage": USAGE,
    "cost_usd": 0.25,
}
FAILED = ANSWER | {"state": "failed", "detail": "a\ud800b", "texts": [], "cost_usd": None}
READING = """
import sys
from selftaught.journal.reader import open_reader

with open_reader(sys.argv[1]) as reader:
    for run_id in reader.runs():
        print(run_id, *reader.raw_events(run_id), sep="\\n")
"""
KILLED_WHILE_MIGRATING = """
import os, signal, sys
from selftaught.journal.database import guarded_connection
from selftaught.journal.location import locate
from selftaught.journal.migrations import migrate

location = locate(sys.argv[1])
with guarded_connection(location, "write") as connection:
    with location.transaction(connection):
        assert migrate(location, connection)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def old(folder: Path) -> str:
    """The id of the run in a store of schema 1."""
    return make_schema_1(folder / "store.db")


def write(url: str) -> None:
    asyncio.run(open_journal(url).aclose())


def read(url: str) -> None:
    open_reader(url).close()


def version(url: str) -> int | None:
    with guarded_connection(locate(url), "read") as connection:
        return schema_version(connection)


def bodies(url: str, run_id: str, kind: str) -> list[dict[str, Any]]:
    with open_reader(url) as reader:
        return [said(event) for event in reader.events(run_id, [KINDS[kind]])]


def test_there_is_one_step_for_each_older_schema() -> None:
    assert len(MIGRATIONS) == SCHEMA_VERSION - 1


@pytest.mark.parametrize("use", [write, read])
def test_a_run_of_an_older_version_is_viewed_as_any_other(
    url: str, old: str, use: Callable[[str], None]
) -> None:
    assert version(url) == 1
    use(url)
    assert version(url) == SCHEMA_VERSION
    with open_reader(url) as reader:
        view = view_run(reader, old)
    assert view.head.state == "done"
    assert view.head.usage == view.spending.total == Usage(11, 11, 22, 7214, 2430, 0.0)
    assert view.counts.requests == {"answered": 11}
    assert view.spending.open_requests == 0
    assert [iteration["t"] for iteration in view.iterations] == [0, 1]


def test_a_migrated_run_differs_in_its_requests_and_in_nothing_else(
    folder: Path, url: str, old: str
) -> None:
    before = dump(folder / "store.db")
    write(url)
    after = dump(folder / "store.db")
    changed = {line for line in before if line not in set(after)}
    kinds = {line.split("'")[3] for line in changed if line.startswith('INSERT INTO "events"')}
    assert kinds == {"lm_call", "lm_answer"}
    assert [line for line in changed if not line.startswith('INSERT INTO "events"')] == [
        """INSERT INTO "meta" VALUES('selftaught_schema','1');"""
    ]


def test_requests_are_numbered_and_each_says_what_it_took(folder: Path, url: str, old: str) -> None:
    path = folder / "store.db"
    events: list[tuple[str, str, dict[str, Any]]] = [
        ("lm_call", "k", CALL),
        ("lm_answer", "k", FAILED),
        ("lm_call", "other", CALL | {"n": 5}),
        ("lm_call", "k", CALL),
        ("lm_answer", "other", ANSWER),
        ("lm_answer", "k", ANSWER),
    ]
    for kind, key, body in events:
        append(path, BY_HAND, kind, key, body)
    write(url)
    nothing = dict.fromkeys(USAGE, 0)
    added = {"place": 0, "reserved": nothing}
    assert bodies(url, BY_HAND, "lm_call") == [
        CALL | {"request": 0} | added,
        CALL | {"n": 5, "request": 0} | added,
        CALL | {"request": 1} | added,
    ]
    told = {"finishes": [], "usage_reported": True}
    took = {"requests": 1, "lm_calls": 1}
    assert bodies(url, BY_HAND, "lm_answer") == [
        FAILED | told | {"request": 0, "state": "fault", "usage": USAGE | took},
        ANSWER | told | {"request": 0, "usage": USAGE | took | {"samples": 3, "usd": 0.25}},
        ANSWER | told | {"request": 1, "usage": USAGE | {"requests": 1, "samples": 2, "usd": 0.25}},
    ]


def test_a_long_journal_is_migrated_to_its_end(folder: Path, url: str, old: str) -> None:
    rows = [(BY_HAND, "lm_call", f"{i % 700}", 0, json.dumps(CALL)) for i in range(1400)]
    with (
        guarded_connection(locate(url), "write") as connection,
        locate(url).transaction(connection),
    ):
        for row in rows:
            connection.exec_driver_sql(
                "INSERT INTO events (run_id, kind, key, at, body) VALUES (?, ?, ?, ?, ?)", row
            )
    write(url)
    assert [body["request"] for body in bodies(url, BY_HAND, "lm_call")] == [0] * 700 + [1] * 700


def test_checking_an_older_store_changes_nothing(folder: Path, url: str, old: str) -> None:
    before = (folder / "store.db").read_bytes()
    check_writable(url)
    assert (folder / "store.db").read_bytes() == before


def test_a_migrated_store_is_left_as_it_is(folder: Path, url: str, old: str) -> None:
    write(url)
    before = dump(folder / "store.db")
    read(url)
    with (
        guarded_connection(locate(url), "write") as connection,
        locate(url).transaction(connection),
    ):
        assert not migrate(locate(url), connection)
    assert dump(folder / "store.db") == before


def test_a_migration_killed_at_its_end_leaves_the_old_store_whole(
    folder: Path, url: str, old: str
) -> None:
    before = dump(folder / "store.db")
    killed = subprocess.run([sys.executable, "-c", KILLED_WHILE_MIGRATING, url], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert dump(folder / "store.db") == before
    read(url)
    assert version(url) == SCHEMA_VERSION


def test_a_migration_that_fails_half_way_leaves_the_old_store_whole(
    folder: Path, url: str, old: str
) -> None:
    append(folder / "store.db", BY_HAND, "lm_answer", "k", {"no": "answer"})
    before = dump(folder / "store.db")
    with pytest.raises(ConfigError, match="cannot be migrated") as refused:
        write(url)
    assert "\n" not in str(refused.value)
    assert dump(folder / "store.db") == before


def test_several_openers_at_once_migrate_it_once(url: str, old: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda i: (read, write)[i % 2](url), range(8)))
    assert [body["request"] for body in bodies(url, old, "lm_answer")] == [0] * 11


@pytest.mark.parametrize("place", ["store.db", "."])
def test_an_older_store_that_cannot_be_written_is_read_from_a_migrated_copy(
    folder: Path, url: str, old: str, place: str
) -> None:
    before = dump(folder / "store.db")
    said = run_read_only(folder / place, READING, url).stdout
    assert dump(folder / "store.db") == before
    read(url)  # which migrates it
    assert said == run_read_only(folder / place, READING, url).stdout
    assert said.startswith(old)


def test_a_newer_store_is_not_touched(folder: Path, url: str, old: str) -> None:
    def newer(connection: Connection) -> None:
        connection.exec_driver_sql("UPDATE meta SET value='3' WHERE name='selftaught_schema'")

    with (
        guarded_connection(locate(url), "write") as connection,
        locate(url).transaction(connection),
    ):
        newer(connection)
        assert not migrate(locate(url), connection)
    with pytest.raises(ConfigError, match="its schema is 3, and this selftaught reads up to 2"):
        open_reader(url)
