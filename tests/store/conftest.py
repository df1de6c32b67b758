"""Stores in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for stores, in which no side files of SQLite may be left at the end."""
    yield tmp_path
    left = [path.name for path in tmp_path.rglob("*") if path.name.endswith(("-wal", "-shm"))]
    assert left == []


@pytest.fixture
def url(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"
