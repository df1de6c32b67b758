"""What is refused before anything is written, in one clear line each."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from journal_support import put
from selftaught.core.errors import ConfigError
from selftaught.journal.journal import open_journal
from selftaught.journal.location import check_writable, locate
from selftaught.journal.reader import open_reader
from selftaught.journal.sqlite import SqliteLocation


def not_a_database(folder: Path) -> str:
    (folder / "notes.txt").write_text("these are notes, and no database at all\n" * 50)
    return f"sqlite:///{folder}/notes.txt"


def somebody_elses_database(folder: Path) -> str:
    with sqlite3.connect(folder / "music.db") as database:
        database.execute("CREATE TABLE songs (title TEXT)")
    database.close()
    return f"sqlite:///{folder}/music.db"


def somebody_elses_meta_table(folder: Path) -> str:
    with sqlite3.connect(folder / "other.db") as database:
        for table in ("meta", "events", "texts"):
            database.execute(f"CREATE TABLE {table} (name TEXT, value TEXT)")
    database.close()
    return f"sqlite:///{folder}/other.db"


def a_newer_schema(folder: Path) -> str:
    _prepared(folder / "newer.db", "UPDATE meta SET value='99' WHERE name='selftaught_schema'")
    return f"sqlite:///{folder}/newer.db"


def _prepared(path: Path, statement: str) -> None:
    asyncio.run(_write_one(f"sqlite:///{path}"))
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()


def a_folder(folder: Path) -> str:
    return f"sqlite:///{folder}"


def a_missing_folder(folder: Path) -> str:
    return f"sqlite:///{folder}/missing/store.db"


def a_file_as_folder(folder: Path) -> str:
    (folder / "file").write_text("")
    return f"sqlite:///{folder}/file/store.db"


def a_path_of_two_lines(folder: Path) -> str:
    return f"sqlite:///{folder}/two\nlines/store.db"


def a_pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    return f"sqlite:///{folder}/pipe"


def a_name_too_long(folder: Path) -> str:
    return f"sqlite:///{folder}/{'x' * 300}.db"


BAD_PLACES: list[tuple[Callable[[Path], str], str]] = [
    (not_a_database, "file is not a database"),
    (somebody_elses_database, "database of something else"),
    (somebody_elses_meta_table, "database of something else"),
    (a_newer_schema, "its schema is 99"),
    (a_folder, "not a file"),
    (a_missing_folder, "missing does not exist; create it"),
    (a_file_as_folder, "file is not a folder"),
    (a_path_of_two_lines, "does not exist"),
    (a_pipe, "not a file"),
    (a_name_too_long, "name too long"),
]

BAD_URLS = [
    ("", "not a database URL"),
    ("selftaught.db", "not a database URL"),
    ("no such\nthing", "not a database URL"),
    ("sqlite:///a.db\0", "names no file"),
    ("sqlite://", "names no file"),
    ("sqlite:///:memory:", "names no file"),
    ("sqlite://host/a.db", "a path and nothing else"),
    ("sqlite:///a.db?mode=ro", "a path and nothing else"),
    ("oracle9://me:hunter2@localhost/x", "only SQLite and PostgreSQL"),
    ("sqlite+aiosqlite:///a.db", "only SQLite"),
    ("postgresql://me:hunter2@localhost:port/x", "not a database URL"),
]


def entries(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("use", [check_writable, open_journal, open_reader])
@pytest.mark.parametrize(("place", "reason"), BAD_PLACES)
def test_a_store_that_cannot_be_used_is_refused_in_one_line_and_nothing_is_left_behind(
    folder: Path, place: Callable[[Path], str], reason: str, use: Callable[[str], object]
) -> None:
    url = place(folder)
    before = entries(folder)
    with pytest.raises(ConfigError) as refused:
        use(url)
    message = str(refused.value)
    assert message.startswith("store ")
    assert "\n" not in message
    assert reason in message or (use is open_reader and "no such file" in message)
    assert entries(folder) == before


@pytest.mark.parametrize("use", [check_writable, open_journal, open_reader])
@pytest.mark.parametrize(("url", "reason"), BAD_URLS)
def test_a_url_that_is_no_store_is_refused_in_one_line_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    url: str,
    reason: str,
    use: Callable[[str], object],
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(ConfigError) as refused:
        use(url)
    message = str(refused.value)
    assert reason in message
    assert "sqlite:///selftaught.db" in message
    assert "\n" not in message
    assert "hunter2" not in message
    assert entries(folder) == []


def test_checking_a_new_store_creates_nothing(folder: Path, url: str) -> None:
    check_writable(url)
    assert entries(folder) == []


async def _write_one(url: str) -> None:
    journal = open_journal(url)
    put(journal, "r", "run", "r", {})
    await journal.aclose()


def test_checking_an_existing_store_changes_nothing(folder: Path, url: str) -> None:
    asyncio.run(_write_one(url))
    before = (folder / "store.db").read_bytes()
    check_writable(url)
    assert (folder / "store.db").read_bytes() == before
    assert entries(folder) == ["store.db"]


def test_an_empty_file_becomes_a_store(folder: Path, url: str) -> None:
    (folder / "store.db").touch()
    with pytest.raises(ConfigError, match="holds no runs yet"):
        open_reader(url)
    check_writable(url)
    assert (folder / "store.db").stat().st_size == 0


def test_a_relative_url_is_taken_from_the_current_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    location = locate("sqlite:///selftaught.db")
    assert isinstance(location, SqliteLocation)
    assert location.path == folder / "selftaught.db"


def test_reading_a_store_that_is_not_there_says_so_and_creates_nothing(
    folder: Path, url: str
) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        open_reader(url)
    assert entries(folder) == []


@pytest.mark.parametrize("name", ["with space.db", "h#sh.db", "ü€.db"])
def test_unusual_file_names_are_taken_as_they_are(folder: Path, name: str) -> None:
    url = f"sqlite:///{folder}/{name}"
    asyncio.run(_write_one(url))
    assert entries(folder) == [name]
