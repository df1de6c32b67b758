"""A store that a selftaught left whose tasks' versions were of scheme 1, and what it was made of.

The code of commit 4dbe896 made it, in this folder:

    selftaught reproduce paper --config micro.toml
    selftaught improve told.py --model scripted:texts.json --instance-key public --lm-calls 3
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

STORED = Path(__file__).parents[1] / "store" / "version_1"
IMPROVED = "20261128-005333-1f16"
STOP_RUNS = ("20261128-005327-0752", "20261128-005329-6b2b")
TRANSFER = "20261128-005331-a2b2"


def make_version_1(folder: Path, tier: str) -> Path:
    """The store in a folder, with the tasks, the protocol and the model's answers beside it.

    Args:
        tier: of the sandbox in which its runs go on.
    """
    shutil.copytree(STORED, folder, dirs_exist_ok=True)
    script = (folder / "store.sql").read_text("utf-8")
    store = folder / "selftaught.db"
    with sqlite3.connect(store) as database:
        database.executescript(script.replace('"tier":"namespaced"', f'"tier":"{tier}"'))
        database.execute("PRAGMA journal_mode=WAL")
    return store


def cut(store: Path, run_id: str, kind: str) -> None:
    """Take away the end of a run, from its first event of a kind on."""
    with sqlite3.connect(store) as database:
        found = database.execute(
            "SELECT min(seq) FROM events WHERE run_id = ? AND kind = ?", (run_id, kind)
        )
        first = found.fetchone()[0]
        database.execute("DELETE FROM events WHERE run_id = ? AND seq >= ?", (run_id, first))
