"""`selftaught transfer`, as a user meets it."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installed import Done, selftaught
from test_going_on import start, wait_for

import model_server as ms
from selftaught.app.discovery import Installed
from selftaught.app.resume import find_run
from selftaught.app.run_list import list_runs
from selftaught.cli import edge
from selftaught.cli.main import selftaught as command
from selftaught.core.errors import ConfigError
from selftaught.journal.reader import open_reader
from selftaught.studies.transfer.origin import asked_of, find_origin
from selftaught.studies.transfer.study import TransferConfig

TINY = ("--calls", "1", "--samples-per-call", "3", "--utility-uses", "4")
STREAMS = ("--search-runs", "1", "--val-runs", "2", "--test-runs", "2")
TASK = '''\
import selftaught as st


def utility(program, rng):
    """One half of what it says."""
    return program(int(rng.integers(1, 9))) / 2


seed = "def algorithm(x):\\n    return x + 1\\n"
task = st.Task(name="halves", seed=seed, utility=utility)
'''


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose store holds a STOP run that ended with another improver."""
    folder = tmp_path_factory.mktemp("origin")
    run = ("run", "flow_shop", "--accept", "paper", "--iterations", "1")
    done = selftaught(*run, *STREAMS, *TINY, "--seed", "1", "--json", cwd=folder)
    assert done.code == 0, done.stderr
    (folder / "halves.py").write_text(TASK)
    return folder


@pytest.fixture(scope="module")
def transferred(origin: Path) -> Done:
    """What a study of a shipped task and of one in a file printed."""
    tasks = ("--tasks", "descent, halves.py", "--test-runs", "3")
    done = selftaught("transfer", "latest", *tasks, "--json", cwd=origin)
    assert done.code == 0, done.stderr
    return done


@pytest.fixture
def there(origin: Path, transferred: Done, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(origin)
    monkeypatch.setenv("COLUMNS", "80")
    return origin


def listed(folder: Path) -> list[dict[str, Any]]:
    """Its runs, newest first."""
    with open_reader(f"sqlite:///{folder}/selftaught.db") as reader:
        return [run.as_json() for run in list_runs(reader)]


def test_the_json_is_one_object_with_a_row_a_task(origin: Path, transferred: Done) -> None:
    found = json.loads(transferred.stdout)
    assert found["state"] == "done"
    assert [row["task"] for row in found["tasks"]] == ["descent", "halves"]
    assert found["runs"] == 3
    assert found["seed_improver_id"] != found["improved_improver_id"]
    for row in found["tasks"]:
        measured = ("seed_program", "seed_improver", "improved_improver", "seed_restarted")
        assert all(row[name]["n"] == 3 for name in measured)
        difference = row["improved_improver"]["mean"] - row["seed_improver"]["mean"]
        assert row["vs_seed_improver"]["mean"] == pytest.approx(difference)
        assert row["vs_seed_improver"]["p_holm"] >= row["vs_seed_improver"]["p_value"] >= 1 / 4
        assert row["samples"]["seed_restarted"] >= row["samples"]["improved_improver"] > 0
        assert row["took_part"] is False
    # In the task's own units: the file's has no highest value.
    assert found["tasks"][1]["seed_program"]["mean"] > 1
    assert found["usage"]["samples"] == sum(
        count for row in found["tasks"] for count in row["samples"].values()
    )


def test_the_study_is_as_its_run_was_and_needs_it_no_more(
    origin: Path, transferred: Done, tmp_path: Path
) -> None:
    study = json.loads(transferred.stdout)["run_id"]
    copy = Path(shutil.copy(origin / "selftaught.db", tmp_path / "selftaught.db"))
    first = find_run(f"sqlite:///{copy}", study)
    run = find_run(f"sqlite:///{copy}", str(first.head.config["origin"]))
    assert isinstance(first.config, TransferConfig)
    assert (first.config.seed, first.config.limits) == (1, run.config.limits)
    with sqlite3.connect(copy) as database:
        database.execute("DELETE FROM events WHERE run_id = ?", (run.run_id,))
    shutil.copy(origin / "halves.py", tmp_path)
    replayed = selftaught("replay", study, "--rescore", "--json", cwd=tmp_path)
    assert replayed.code == 0, replayed.stdout
    counts = json.loads(replayed.stdout)["events"]
    assert (counts["transfer"], counts["transfer_restart"], counts["result"]) == (2, 2, 1)


def test_show_runs_and_verify_know_the_study(
    there: Path, transferred: Done, capsys: pytest.CaptureFixture[str]
) -> None:
    study = json.loads(transferred.stdout)
    assert edge.run(command, ["runs"]) == 0
    kinds = [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:] if line[0] == "2"]
    assert kinds == ["transfer", "run"]
    assert edge.run(command, ["show", study["run_id"]]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"transfer on descent, halves: run {study['run_id']}")
    assert "State: done" in shown
    assert "Improved improver - seed improver, at equal limits" in shown
    assert "at equal samples" in shown
    assert "3 paired runs of 2 tasks are too few" in shown
    assert all(len(line) <= 80 for line in table_lines(shown))
    assert edge.run(command, ["verify"]) == 0, capsys.readouterr().out


def table_lines(shown: str) -> list[str]:
    """The lines of the study's tables."""
    begun = shown.index("Means on test")
    return shown[begun : shown.index("too few", begun)].splitlines()[:-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tasks", "descent,flow_shop"), "flow_shop took part in run"),
        (("--tasks", "flow_shop"), "or give --allow-seen"),
        (("--tasks", "nothing"), "unknown task 'nothing'"),
        (("--tasks", "descent", "--tasks", "descent"), "each task can be given once"),
        (("--tasks", "descent", "--test-runs", "1"), "1 is not in the range x>=2"),
        (("--tasks", "descent", "--model", "nobody:x"), "unknown model provider 'nobody'"),
        (
            ("--tasks", "descent", "--config", "none.toml"),
            "cannot read the configuration none.toml",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_nothing_is_written(
    arguments: tuple[str, ...], said: str, there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (there / "selftaught.db").stat().st_mtime_ns
    run = listed(there)[-1]["run_id"]
    assert edge.run(command, ["transfer", run, *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert (there / "selftaught.db").stat().st_mtime_ns == before


def test_a_run_without_an_improved_improver_is_refused(
    there: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edge.run(command, ["transfer", "latest"]) == 2
    assert "is of transfer: only a run of selftaught run has" in capsys.readouterr().err
    assert edge.run(command, ["transfer", "zzz"]) == 2
    assert "is the start of no run" in capsys.readouterr().err
    copy = Path(shutil.copy(there / "selftaught.db", tmp_path))
    run = listed(there)[-1]["run_id"]
    with sqlite3.connect(copy) as database:
        database.execute(
            "DELETE FROM events WHERE run_id = ? AND kind = 'iteration' AND body NOT LIKE ?",
            (run, '{"t":0,%'),
        )
    assert edge.run(command, ["transfer", run, "--store", f"sqlite:///{copy}"]) == 2
    assert "with the improver that it began with" in capsys.readouterr().err


def test_by_default_all_installed_tasks_that_took_no_part_are_taken(there: Path) -> None:
    found = find_origin("sqlite:///selftaught.db", listed(there)[-1]["run_id"])
    asked = asked_of(found, {}, Installed())
    config, tasks = asked.config, asked.tasks
    names = {task.name for task in tasks}
    assert {"maxcut", "three_sat", "parity_noiseless", "descent"} <= names
    assert "flow_shop" not in names
    assert config.task_names == tuple(task.name for task in tasks)
    assert config.model == "local:mutator"
    seen = asked_of(found, {"tasks": ("flow_shop",), "allow_seen": True}, Installed()).config
    assert seen.took_part == ("flow_shop",)


def test_the_defaults_that_help_tells_are_those_of_the_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert edge.run(command, ["transfer", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    default = TransferConfig().runs.test
    assert f"--test-runs N Paired runs of both improvers a task. [default: {default}]" in told


def test_another_model_is_not_asked_as_the_first_one_was(there: Path) -> None:
    found = find_origin("sqlite:///selftaught.db", listed(there)[-1]["run_id"])
    found.head.start.config.update({"base_url": "http://127.0.0.1:1/v1", "price_in": 3.0})
    same = asked_of(found, {"tasks": ("descent",)}, Installed()).config
    given = {"tasks": ("descent",), "model": "openai:m"}
    other = asked_of(found, given, Installed()).config
    assert (same.base_url, same.price_in) == ("http://127.0.0.1:1/v1", 3.0)
    assert (other.base_url, other.price_in) == (None, None)
    assert other.limits == same.limits
    with pytest.raises(ConfigError, match="unknown setting"):
        asked_of(found, {**given, "colour": "red"}, Installed())


def test_an_estimate_counts_both_improvers_and_spends_nothing(
    there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = listed(there)[-1]["run_id"]
    arguments = ("--tasks", "descent", "--test-runs", "4", "--estimate", "--json")
    assert edge.run(command, ["transfer", run, *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [step["name"] for step in found["steps"]] == ["descent", "restarts"]
    assert found["most"]["samples"] == 3 * 3 * 4  # 3 a run: of both, and of the restarts
    assert 2 * 3 * 4 <= found["likely"]["samples"] <= found["most"]["samples"]
    assert [run["kind"] for run in listed(there)] == ["transfer", "run"]


@pytest.mark.slow
def test_a_stopped_study_goes_on_and_pays_nothing_twice(origin: Path, tmp_path: Path) -> None:
    shutil.copy(origin / "selftaught.db", tmp_path)
    run = listed(tmp_path)[-1]["run_id"]
    # Two runs of both improvers on a task are four requests; it stops when three of the second
    # task's have no answer.
    server = ms.ModelServer(plan=lambda number, body: ms.never() if number >= 5 else None)
    server.start()
    tasks = ("--tasks", "descent,local_cut", "--test-runs", "2", "--json")
    process = start(server, tmp_path, "transfer", run, *tasks)
    wait_for(lambda: server.counts().under_way == 3)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    server.stop()
    study = listed(tmp_path)[0]
    assert process.returncode == 130
    assert (study["kind"], study["state"]) == ("transfer", "interrupted")
    assert stderr.splitlines()[-1].endswith(f"go on with: selftaught resume {study['run_id']}")
    with ms.ModelServer(port=int(server.base_url.split(":")[-1].partition("/")[0])) as again:
        resumed = selftaught("resume", "latest", "--json", cwd=tmp_path, OPENAI_API_KEY="k")
    assert resumed.code == 0, resumed.stderr
    found = json.loads(resumed.stdout)
    assert found["state"] == "done"
    assert [row["task"] for row in found["tasks"]] == ["descent", "local_cut"]
    assert found["usage"]["requests"] == server.counts().requests + again.counts().requests
    assert again.counts().requests <= 4 + 4  # of the second task, and of all restarts
    store = ("--store", f"sqlite:///{tmp_path}/selftaught.db")
    assert edge.run(command, ["verify", *store]) == 0
    assert edge.run(command, ["replay", study["run_id"], *store]) == 0
