"""What only reads does so on a read-only place, and in another user's store."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from installed import COMMAND, Finished

from read_only import run_as_stranger, run_read_only
from selftaught.journal.run_lock import hold_run

# Each command line in a folder that can be written, and what it printed, in JSON.
COMMANDS = """
import json, subprocess, sys

said = []
for command in json.loads(sys.argv[2]):
    done = subprocess.run([sys.argv[1], *command], capture_output=True, text=True)
    said.append((done.returncode, done.stdout, done.stderr))
print(json.dumps(said))
"""
Runner = Callable[..., CompletedProcess[str]]


def told(run: Runner, place: Path, *commands: tuple[str, ...]) -> list[list[Any]]:
    return list(json.loads(run(place, COMMANDS, COMMAND, json.dumps(commands)).stdout))


@contextmanager
def written(store: Path) -> Iterator[None]:
    """The store as it is while somebody writes it: with its log beside it."""
    with sqlite3.connect(store, isolation_level=None) as writer:
        writer.execute("INSERT INTO meta VALUES ('by', 'somebody')")
        assert store.with_name(f"{store.name}-wal").stat().st_size > 0
        yield
    writer.close()


@pytest.mark.parametrize("place", [".", "selftaught.db"])
def test_every_command_that_reads_needs_no_write(
    finished: Finished, folder: Path, tmp_path_factory: pytest.TempPathFactory, place: str
) -> None:
    store = ("--store", f"sqlite:///{folder}/selftaught.db")
    out = str(tmp_path_factory.mktemp("out") / "report")
    run_id, improve_id = finished.run_json["run_id"], finished.improve_json["run_id"]
    commands = (
        ("runs", "--json", *store),
        ("show", run_id, "--json", *store),
        ("show", improve_id, "--trace", *store),
        ("verify", *store),
        ("replay", improve_id, *store),
        ("report", improve_id, "--format", "json", "--out", out, *store),
        ("strategies", run_id, "--json", *store),
    )
    for command, (code, _, stderr) in zip(
        commands, told(run_read_only, folder / place, *commands), strict=True
    ):
        assert (code, stderr) == (0, ""), command
    assert [path.name for path in folder.iterdir()] == ["selftaught.db"]


@pytest.mark.parametrize("run", [run_read_only, run_as_stranger])
def test_a_store_is_read_while_somebody_else_writes_it(folder: Path, run: Runner) -> None:
    with written(folder / "selftaught.db"):
        where = ("--store", f"sqlite:///{folder}/selftaught.db")
        ((code, stdout, stderr),) = told(run, folder, ("runs", "--json", *where))
    assert (code, stderr) == (0, "")
    assert len(json.loads(stdout)["runs"]) == 2


def test_a_strangers_run_that_goes_on_is_seen_to(folder: Path, finished: Finished) -> None:
    run_id = finished.run_json["run_id"]
    with sqlite3.connect(folder / "selftaught.db") as database:
        database.execute("DELETE FROM events WHERE kind = 'run_end'")
    database.close()
    command = ("runs", "--json", "--store", f"sqlite:///{folder}/selftaught.db")

    def states() -> dict[str, str]:
        ((_, stdout, _),) = told(run_as_stranger, folder, command)
        return {one["run_id"]: one["state"] for one in json.loads(stdout)["runs"]}

    with hold_run(f"sqlite:///{folder}/selftaught.db", run_id):
        held = states()
    assert held == {run_id: "running", finished.improve_json["run_id"]: "killed"}
    assert set(states().values()) == {"killed"}


def test_what_cannot_be_read_is_one_line_with_the_way_out(folder: Path) -> None:
    store = folder / "selftaught.db"
    log = folder / "selftaught.db-wal"
    log.write_bytes(b"no log" * 100)
    started_s = time.monotonic()
    command = ("runs", "--store", f"sqlite:///{store}")
    ((code, stdout, stderr),) = told(run_read_only, folder, command)
    assert (code, stdout, stderr.count("\n")) == (2, "", 1)
    assert f"copy it and {log.name} to a folder of yours, and read the copy" in stderr
    assert time.monotonic() - started_s < 30
