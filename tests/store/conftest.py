"""Stores in a folder of the test's own, and in a server of the tests' own."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from postgresql_server import PostgresqlServer, binaries, postgresql_server

_numbers = itertools.count()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for stores, in which no side files of SQLite may be left at the end."""
    yield tmp_path
    left = [path.name for path in tmp_path.rglob("*") if path.name.endswith(("-wal", "-shm"))]
    assert left == []


@pytest.fixture
def url(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresqlServer]:
    if binaries() is None or importlib.util.find_spec("psycopg") is None:
        pytest.skip("there is no PostgreSQL server here, or no psycopg: see `make test-all`")
    with postgresql_server() as started:
        yield started


@pytest.fixture
def server_url(server: PostgresqlServer) -> str:
    """The URL of a database of the test's own."""
    return server.create(f"store_{next(_numbers)}")
