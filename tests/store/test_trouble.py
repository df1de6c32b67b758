"""Full disks, read-only places, locked databases: one line, nothing half written, on again."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from old_stores import SCHEMA_1, dump, make_schema_1

from journal_support import put
from read_only import run_read_only
from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.journal.journal import open_journal
from selftaught.journal.location import check_writable
from selftaught.journal.reader import open_reader

RUN = "20261123-0455-3f9a"

# Each script runs in a folder that is a file system of 2 MB, and says what it saw in JSON.
FULL_WHILE_A_RUN_WRITES = """
import asyncio, json, pathlib, sqlite3
from selftaught.core.errors import InfrastructureError
from selftaught.journal.codec import Other
from selftaught.journal.journal import open_journal
from selftaught.journal.reader import open_reader

url, ballast, said = "sqlite:///store.db", pathlib.Path("ballast"), []
ballast.write_bytes(bytes(1_000_000))

async def write():
    journal = open_journal(url)
    journal.append("r", Other("made_up", {}), "r")
    await journal.flush(durable=True)
    for i in range(40):
        journal.append("r", Other("made_up", {}), str(i), texts=[f"{i}" * 60_000])
        try:
            await journal.flush(durable=True)
        except InfrastructureError as error:
            said.append(str(error))
            break
    await journal.aclose()
    return i

async def go_on():
    journal = open_journal(url)
    journal.append("r", Other("made_up", {}), "r", texts=["x" * 500_000])
    await journal.aclose()

flushed = asyncio.run(write())
ballast.unlink()
asyncio.run(go_on())
with open_reader(url) as reader:
    keys = [event.key for event in reader.events("r")]
    problems = reader.database_problems()
    n_texts = len(list(reader.stored_texts()))
files = sorted(path.name for path in pathlib.Path().iterdir())
print(json.dumps([said, flushed, keys, n_texts, problems, files]))
"""

FULL_WHEN_A_STORE_IS_MADE = """
import asyncio, json, pathlib
from selftaught.core.errors import ConfigError
from selftaught.journal.journal import open_journal

url, ballast, said = "sqlite:///store.db", pathlib.Path("ballast"), []
with ballast.open("wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)) == 4096:
            pass
    except OSError:
        pass
try:
    open_journal(url)
except ConfigError as error:
    said.append(str(error))
left = sorted(path.name for path in pathlib.Path().iterdir())
ballast.unlink()
asyncio.run(open_journal(url).aclose())
print(json.dumps([said, left]))
"""

FULL_WHEN_A_STORE_IS_MIGRATED = """
import json, pathlib, sqlite3, sys
from selftaught.core.errors import ConfigError
from selftaught.journal.reader import open_reader

url, said = "sqlite:///store.db", []
database = sqlite3.connect("store.db")
database.executescript(pathlib.Path(sys.argv[1]).read_text())
database.execute("PRAGMA journal_mode=WAL")
before = list(database.iterdump())
database.close()
ballast = pathlib.Path("ballast")
with ballast.open("wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)) == 4096:
            pass
    except OSError:
        file.truncate(file.tell() - 50_000)
try:
    open_reader(url)
except ConfigError as error:
    said.append(str(error))
ballast.unlink()
database = sqlite3.connect("store.db")
whole = list(database.iterdump()) == before
database.close()
with open_reader(url) as reader:
    problems = reader.database_problems()
print(json.dumps([said, whole, problems]))
"""

READ_ONLY = """
import sys
from selftaught.journal.journal import open_journal
from selftaught.journal.location import check_writable

for use in (check_writable, open_journal):
    try:
        use(sys.argv[1])
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
"""


def on_a_small_disk(folder: Path, script: str) -> Any:
    """What the script says; skips where bubblewrap cannot make such a disk."""
    small = ["--size", "2000000", "--tmpfs", str(folder), "--chdir", str(folder)]
    inside = ["bwrap", "--dev-bind", "/", "/", *small]
    if shutil.which("bwrap") is None or subprocess.run([*inside, "true"], check=False).returncode:
        pytest.skip("bubblewrap cannot make a small disk on this machine")
    done = subprocess.run(
        [*inside, sys.executable, "-c", script, str(SCHEMA_1)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_disk_that_fills_up_under_a_run_ends_it_in_one_line_and_the_next_goes_on(
    folder: Path,
) -> None:
    said, flushed, keys, n_texts, problems, files = on_a_small_disk(folder, FULL_WHILE_A_RUN_WRITES)
    assert said == [
        "the journal in store sqlite:///store.db could not be written: database or disk is full"
    ]
    assert 0 < flushed < 39
    assert keys == ["r", *map(str, range(flushed)), "r"]
    assert n_texts == flushed + 1
    assert problems == []
    assert files == ["store.db"]


def test_a_store_that_cannot_be_made_on_a_full_disk_leaves_nothing(folder: Path) -> None:
    (said,), left = on_a_small_disk(folder, FULL_WHEN_A_STORE_IS_MADE)
    assert said.startswith("store sqlite:///store.db: it cannot be written (")
    assert "\n" not in said
    assert left == ["ballast"]


def test_a_store_that_cannot_be_migrated_on_a_full_disk_is_left_whole(folder: Path) -> None:
    (said,), whole, problems = on_a_small_disk(folder, FULL_WHEN_A_STORE_IS_MIGRATED)
    assert "it cannot be written (database or disk is full)" in said
    assert "\n" not in said
    assert whole
    assert problems == []


@pytest.mark.parametrize("there", [False, True])
def test_a_read_only_file_system_is_refused_in_one_line(
    folder: Path, url: str, there: bool
) -> None:
    if there:
        asyncio.run(open_journal(url).aclose())
    said = f"ConfigError: store {url}: the folder {folder} cannot be written to; give another store"
    assert run_read_only(folder, READ_ONLY, url).stdout.splitlines() == [said, said]


def test_a_read_only_file_is_refused_in_one_line(folder: Path, url: str) -> None:
    make_schema_1(folder / "store.db")
    before = dump(folder / "store.db")
    said = f"ConfigError: store {url}: {folder}/store.db is read-only; give another store"
    assert run_read_only(folder / "store.db", READ_ONLY, url).stdout.splitlines() == [said, said]
    assert dump(folder / "store.db") == before


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Somebody else has the database to himself."""
    other = sqlite3.connect(folder / "store.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


@pytest.mark.parametrize("use", [check_writable, open_journal])
def test_a_database_that_stays_locked_is_refused_in_one_line_when_the_time_is_over(
    folder: Path, url: str, use: Callable[..., object]
) -> None:
    asyncio.run(open_journal(url).aclose())
    with locked(folder):
        start_s = time.monotonic()
        with pytest.raises(ConfigError) as refused:
            use(url, lock_timeout_s=0.2)
        assert time.monotonic() - start_s >= 0.2
    assert str(refused.value) == (
        f"store {url}: it cannot be written (database is locked); give another store"
    )


def test_a_database_locked_under_a_run_loses_a_whole_batch_or_nothing_and_the_next_goes_on(
    folder: Path, url: str
) -> None:
    async def write() -> str:
        journal = open_journal(url, lock_timeout_s=0.2)
        put(journal, RUN, "run", "kept", {})
        await journal.flush(durable=True)
        with locked(folder):
            put(journal, RUN, "lm_answer", "lost", {}, texts=["lost"])
            put(journal, RUN, "lm_answer", "lost too", {})
            with pytest.raises(InfrastructureError) as failed:
                await journal.flush(durable=True)
        with pytest.raises(InfrastructureError):
            put(journal, RUN, "lm_answer", "after", {})
        await journal.aclose()
        return str(failed.value)

    async def go_on() -> None:
        journal = open_journal(url)
        put(journal, RUN, "run", "again", {})
        await journal.aclose()

    assert asyncio.run(write()) == (
        f"the journal in store {url} could not be written: database is locked"
    )
    asyncio.run(go_on())
    with open_reader(url) as reader:
        assert [event.key for event in reader.events(RUN)] == ["kept", "again"]
        assert list(reader.stored_texts()) == []
