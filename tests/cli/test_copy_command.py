"""`selftaught copy`: a run in another store, event for event, with what it rests on."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from installed import Finished, selftaught

from selftaught.journal.run_lock import hold_run

HERE, THERE = "sqlite:///selftaught.db", "sqlite:///there.db"


def told(path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT run_id, kind, key, at, body FROM events ORDER BY seq")
        found = list(rows)
    database.close()
    return found


def test_a_run_is_copied_as_it_is_verified_and_replayed_there(
    folder: Path, finished: Finished
) -> None:
    run_id = finished.run_json["run_id"]
    copied = selftaught("copy", run_id, "--to", THERE, "--json", cwd=folder)
    assert copied.code == 0, copied.stderr
    assert [one["run_id"] for one in json.loads(copied.stdout)["runs"]] == [run_id]
    assert told(folder / "there.db") == [
        row for row in told(folder / "selftaught.db") if row[0] == run_id
    ]
    for command in (("verify",), ("replay", run_id), ("show", run_id)):
        done = selftaught(*command, "--store", THERE, cwd=folder)
        assert done.code == 0, done.stdout + done.stderr
    # Once more, it is there already.
    again = selftaught("copy", run_id, "--to", THERE, cwd=folder)
    assert again.code == 0
    assert len(told(folder / "there.db")) == json.loads(copied.stdout)["runs"][0]["events"]


def test_what_a_run_rests_on_is_copied_with_it(folder: Path, finished: Finished) -> None:
    origin = finished.run_json["run_id"]
    transfer = selftaught(
        *("transfer", origin, "--tasks", "flow_shop", "--allow-seen", "--test-runs", "2", "--json"),
        cwd=folder,
    )
    assert transfer.code == 0, transfer.stderr
    run_id = json.loads(transfer.stdout)["run_id"]
    copied = selftaught("copy", "latest", "--to", THERE, "--json", cwd=folder)
    assert [one["run_id"] for one in json.loads(copied.stdout)["runs"]] == [origin, run_id]
    replayed = selftaught("replay", run_id, "--store", THERE, cwd=folder)
    assert replayed.code == 0, replayed.stdout + replayed.stderr


def test_what_cannot_be_copied_is_refused_and_nothing_is_written(
    folder: Path, finished: Finished
) -> None:
    run_id = finished.run_json["run_id"]
    into_itself = selftaught("copy", run_id, "--to", HERE, cwd=folder)
    assert into_itself.code == 2
    assert "into itself" in into_itself.stderr
    with hold_run(HERE.replace("///", f"///{folder}/"), run_id):
        running = selftaught("copy", run_id, "--to", THERE, cwd=folder)
    assert running.code == 2
    assert "is in progress: stop it first" in running.stderr
    absent = selftaught("copy", "x", "--to", THERE, cwd=folder)
    assert absent.code == 2
    assert not (folder / "there.db").exists()

    assert selftaught("copy", run_id, "--to", THERE, cwd=folder).code == 0
    with sqlite3.connect(folder / "there.db") as database:
        database.execute("UPDATE events SET body = json_set(body, '$.x', 1) WHERE kind = 'run'")
    database.close()
    changed = selftaught("copy", run_id, "--to", THERE, cwd=folder)
    assert changed.code == 2
    assert "is there already and is not the same" in changed.stderr
    assert json.loads(selftaught("runs", "--json", "--store", THERE, cwd=folder).stdout)["runs"]
