"""Stores as earlier versions left them."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

# The whole store of `selftaught run flow_shop --iterations 1`, as commit be861b7 wrote it.
SCHEMA_1 = Path(__file__).with_name("schema_1.sql")


def make_schema_1(path: Path) -> str:
    """That store in a file, and the id of its run."""
    database = sqlite3.connect(path)
    database.executescript(SCHEMA_1.read_text("utf-8"))
    run_id = database.execute("SELECT run_id FROM events LIMIT 1").fetchone()[0]
    database.execute("PRAGMA journal_mode=WAL")
    database.close()
    return str(run_id)


def append(path: Path, run_id: str, kind: str, key: str, body: dict[str, Any]) -> None:
    """One more event, past all of our code."""
    database = sqlite3.connect(path)
    with database:
        database.execute(
            "INSERT INTO events (run_id, kind, key, at, body) VALUES (?, ?, ?, 0, ?)",
            (run_id, kind, key, json.dumps(body)),
        )
    database.close()


def dump(path: Path) -> list[str]:
    """All that stands in a store."""
    database = sqlite3.connect(path)
    lines = list(database.iterdump())
    database.close()
    return lines
