"""Runs whose tasks' versions are of an older scheme go on, replay and verify by it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from installed import selftaught
from version_1 import IMPROVED, STOP_RUNS, TRANSFER, cut, make_version_1

from journal_support import said
from selftaught.core.ports import Sandbox
from selftaught.journal.codec import KINDS
from selftaught.journal.reader import open_reader
from selftaught.studies.improvers import load_improver


@pytest.fixture
def old(here: Path, any_sandbox: Sandbox) -> Path:
    return make_version_1(here, any_sandbox.tier)


def bodies(store: Path, run_id: str, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    with open_reader(f"sqlite:///{store}") as reader:
        return [
            (event.key, said(event))
            for event in reader.events(run_id, [KINDS[kind] for kind in kinds])
        ]


def stable(body: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in body.items() if k not in ("cpu_s", "wall_s", "tier", "sandbox_tier")}


def as_before(told: Any, before: Any) -> Any:
    """What an earlier version said, too: this one says more."""
    if isinstance(told, dict) and isinstance(before, dict):
        said = {name: as_before(told[name], before[name]) for name in before if name in told}
        if said.get("ci95") is not None:  # quantiles have ten digits
            assert said["ci95"] == pytest.approx(before["ci95"], rel=1e-9)
            said["ci95"] = before["ci95"]
        return said
    if isinstance(told, list) and isinstance(before, list) and len(told) == len(before):
        return [as_before(*pair) for pair in zip(told, before, strict=True)]
    return told


@pytest.mark.parametrize("run_id", [IMPROVED, *STOP_RUNS, TRANSFER])
def test_an_old_run_replays_with_the_scores_that_it_had(run_id: str, old: Path) -> None:
    done = selftaught("replay", run_id, "--rescore", "--json", cwd=old.parent)
    assert done.code == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert (found["differences"], found["diverged"]) == ([], [])


@pytest.mark.parametrize(
    ("run_id", "kind"),
    [(IMPROVED, "invocation_end"), (STOP_RUNS[1], "proposal"), (TRANSFER, "transfer")],
)
def test_an_old_run_that_was_cut_goes_on_to_the_same_end(run_id: str, kind: str, old: Path) -> None:
    """What is scored in the part that goes on has keys of the old versions, too."""
    ((_, whole),) = bodies(old, run_id, "result")
    scored = {key: stable(body) for key, body in bodies(old, run_id, "evaluation")}
    cut(old, run_id, kind)
    assert len(bodies(old, run_id, "evaluation")) < len(scored)
    done = selftaught("resume", run_id, "--json", cwd=old.parent)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["state"] == whole["state"]
    ((_, result),) = bodies(old, run_id, "result")
    told = stable(result)
    assert told.pop("final_improver_id", None) == whole.get("best_improver_id")
    assert as_before(told, stable(whole)) == stable(whole)
    again = bodies(old, run_id, "evaluation")
    assert {key: stable(body) for key, body in again} == scored
    assert set(Counter(key for key, _ in again).values()) == {1}
    assert len(bodies(old, run_id, "run")) == 2
    # Of the store it finds that events are missing, which were taken away.
    verified = selftaught("verify", cwd=old.parent).stdout.splitlines()
    runs = [line for line in verified if line.startswith("run ")]
    assert len(runs) == 4
    assert all(line.endswith("all is well") for line in runs), runs


def test_an_old_run_refuses_a_task_that_is_not_what_its_scheme_knew(old: Path) -> None:
    cut(old, IMPROVED, "result")
    task = old.parent / "told.py"
    task.write_text(task.read_text().replace("The more", "The much more"))
    done = selftaught("resume", IMPROVED, cwd=old.parent)
    assert done.code == 2
    assert "task told has changed since run" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_scheme_that_is_yet_to_come_is_refused(old: Path) -> None:
    with sqlite3.connect(old) as database:
        database.execute(
            "UPDATE events SET body = json_set(body, '$.task_version_scheme', 9) WHERE kind = 'run'"
        )
    for command in ("replay", "resume"):
        done = selftaught(command, IMPROVED, cwd=old.parent)
        assert done.code == 2
        assert "whose versions of tasks (scheme 9) this one cannot check" in done.stderr
        assert done.stderr.count("\n") == 1
    assert selftaught("verify", cwd=old.parent).code == 0


# --- protocols ------------------------------------------------------------------------------------


def paid(store: Path) -> int:
    with sqlite3.connect(store) as database:
        return int(database.execute("SELECT count(*) FROM events").fetchone()[0])


def reproduce(store: Path, *more: str) -> dict[str, Any]:
    arguments = ("--config", "micro.toml", "--json", *more)
    done = selftaught("reproduce", "paper", *arguments, cwd=store.parent)
    assert done.code == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_an_old_protocol_is_found_and_paid_nothing_for(old: Path) -> None:
    before = paid(old)
    found = reproduce(old)
    assert paid(old) == before
    assert [run["run_id"] for run in found["series"]["runs"]] == [*STOP_RUNS]
    assert found["transfer"]["run_id"] == TRANSFER


def test_an_old_protocol_that_was_cut_goes_on(old: Path) -> None:
    whole = reproduce(old)
    cut(old, TRANSFER, "transfer")
    found = reproduce(old)
    assert found["transfer"]["tasks"] == whole["transfer"]["tasks"]
    assert found["series"] == whole["series"]


def test_options_that_came_later_leave_a_protocol_what_it_is(old: Path) -> None:
    """As if none but these had been there when it was begun."""
    later = ("prompt_kb", "reasoning_effort", "sandbox.modules", "sandbox.answer_mb", "price_in")
    paths = ", ".join(f"'$.config.{name}'" for name in later)
    with sqlite3.connect(old) as database:
        database.execute(f"UPDATE events SET body = json_remove(body, {paths}) WHERE kind = 'run'")
    before = paid(old)
    assert reproduce(old)["transfer"]["run_id"] == TRANSFER
    assert paid(old) == before


def test_what_changes_no_result_leaves_a_protocol_what_it_is(old: Path) -> None:
    protocol = old.with_name("micro.toml")
    renamed = 'tasks = ["./halves.py"]\nimprover = "same.py"\n'
    protocol.write_text(protocol.read_text().replace('tasks = ["halves.py"]\n', renamed))
    old.with_name("same.py").write_text(load_improver("seed").source)
    before = paid(old)
    options = ("--price-in", "1", "--price-out", "2", "--concurrency", "3", "--api-key-file", "k")
    assert reproduce(old, *options)["transfer"]["run_id"] == TRANSFER
    assert paid(old) == before


def test_what_changes_results_makes_another_protocol(old: Path) -> None:
    before = paid(old)
    assert reproduce(old, "--max-tokens", "100")["transfer"]["run_id"] != TRANSFER
    assert paid(old) > before
