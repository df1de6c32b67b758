"""A study of somebody else: its command, resume, replay, verify, show and report follow from it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest
from installed import COMMAND, Done, environment

# How much a task's score depends on the instances: its seed on several sets of them.
MODULE = """
from dataclasses import dataclass
from typing import Annotated, ClassVar

from selftaught.analysis.recorded_run import latest
from selftaught.core.statistics import estimate
from selftaught.engine.keys import make_key
from selftaught.engine.utilities import TaskUtility
from selftaught.journal.record import (EventRecord)
from selftaught.studies.common_config import CommonConfig
from selftaught.studies.settings import Setting
from selftaught.studies.study import Argument, Ended, Study


class Spread(EventRecord, frozen=True):
    kind: ClassVar[str] = "spread"
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SpreadConfig(CommonConfig):
    command: ClassVar[str] = "spread"
    task: str
    sets: Annotated[int, Setting("Sets of instances.", ge=2)] = 3

    @property
    def task_names(self):
        return (self.task,)


class SpreadStudy(Study[SpreadConfig]):
    config = SpreadConfig
    short_help = "How much a score depends on the instances."
    help = "Score the seed of a TASK on several sets of instances."
    argument = Argument("task", "TASK")
    nesting = 1

    def events(self):
        return (Spread,)

    async def run(self, context, asked, recorded):
        (task,) = asked.tasks
        seed = task.seed_program()
        values = []
        for number in range(asked.config.sets):
            context.tell("phase", name="set", detail=f"set {number}")
            u = TaskUtility(context, task, "test", f"spread-{number}")
            values.append((await u.query(seed))[0])
        context.record(Spread(tuple(values)), make_key(context.root, "spread", task.name))
        return Ended()

    def result_of(self, run):
        bodies = list(latest(run.events, Spread).values())
        if not bodies:
            return None
        spread = estimate({"": bodies[-1].values})
        return {"task": run.head.task_names[0], "spread": spread.as_json()}

    def problems(self, event, before):
        scored = [one.body.value for one in before.events if one.kind == "evaluation"]
        if list(event.body.values) != scored:
            yield f"its values are {list(event.body.values)}, and {scored} were scored"


study = SpreadStudy()
"""


def install(site: Path, module: str, points: str = "spread = others_study:study\n") -> None:
    """A distribution of somebody else, as pip leaves it."""
    info = site / "others_study-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "others_study.py").write_text(module)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others-study\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[selftaught.studies]\n{points}")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a distribution of somebody else beside it, and one run."""
    folder = tmp_path_factory.mktemp("there")
    install(folder / "site", MODULE)
    done = selftaught(folder, "spread", "flow_shop", "--sets", "4", "--seed", "3", "--json")
    assert done.code == 0, done.stderr
    assert "set 3" in done.stderr
    return folder


def selftaught(folder: Path, *arguments: str) -> Done:
    path = os.pathsep.join(filter(None, (str(folder / "site"), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment(PYTHONPATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_its_command_has_its_settings_and_those_of_all_studies(there: Path) -> None:
    assert "How much a score depends" in selftaught(there, "--help").stdout
    told = selftaught(there, "spread", "--help").stdout
    assert "Score the seed of a TASK" in told
    assert "--sets N" in told
    assert "--usd X" in told
    wrong = selftaught(there, "spread", "flow_shop", "--sets", "1")
    assert wrong.code == 2
    assert "--sets" in wrong.stderr


def test_its_result_is_what_its_events_come_to(there: Path) -> None:
    done = selftaught(there, "show", "latest", "--json")
    shown = json.loads(done.stdout)
    assert shown["state"] == "done"
    assert shown["result"]["spread"]["n"] == 4
    assert shown["result"]["task"] == "flow_shop"
    listed = json.loads(selftaught(there, "runs", "--json").stdout)["runs"]
    assert [(run["kind"], run["state"]) for run in listed] == [("spread", "done")]


def test_it_replays_and_verifies_and_a_changed_number_is_found(there: Path) -> None:
    for scored in ((), ("--rescore",)):
        done = selftaught(there, "replay", "latest", *scored)
        assert done.code == 0, done.stdout + done.stderr
        assert "spread: 1 of 1 the same" in done.stdout
    assert selftaught(there, "verify").code == 0
    with sqlite3.connect(there / "selftaught.db") as database:
        kept = database.execute("SELECT seq, body FROM events WHERE kind = 'spread'").fetchone()
        body = json.dumps({"values": [0.0, 0.0, 0.0, 0.0]})
        database.execute("UPDATE events SET body = ? WHERE seq = ?", (body, kept[0]))
    done = selftaught(there, "verify")
    with sqlite3.connect(there / "selftaught.db") as database:
        database.execute("UPDATE events SET body = ? WHERE seq = ?", (kept[1], kept[0]))
    assert done.code == 1
    assert "were scored" in done.stdout
    assert "its spread.mean comes to 0.0" in done.stdout


def test_it_goes_on_from_where_it_was_cut(there: Path, tmp_path: Path) -> None:
    copy = tmp_path / "cut.db"
    with sqlite3.connect(there / "selftaught.db") as whole, sqlite3.connect(copy) as cut:
        whole.backup(cut)
        (seq,) = cut.execute("SELECT seq FROM events WHERE kind = 'evaluation'").fetchone()
        cut.execute("DELETE FROM events WHERE seq > ?", (seq,))
    store = f"sqlite:///{copy}"
    done = selftaught(there, "resume", "latest", "--store", store, "--json")
    assert done.code == 0, done.stderr
    before = json.loads(selftaught(there, "show", "latest", "--json").stdout)["result"]
    assert json.loads(done.stdout)["spread"] == before["spread"]
    found = json.loads(selftaught(there, "verify", "--store", store, "--json").stdout)
    assert [run["findings"] for run in found["runs"]] == [[]]
    assert "nothing to resume" in selftaught(there, "resume", "latest").stderr


def test_it_is_shown_and_reported(there: Path) -> None:
    shown = selftaught(there, "show", "latest")
    assert shown.code == 0, shown.stderr
    assert "spread on flow_shop" in shown.stdout
    assert "State: done" in shown.stdout
    assert "spread.mean" in shown.stdout
    done = selftaught(there, "report", "latest", "--format", "md", "--out", "page", "--force")
    assert done.code == 0, done.stderr
    assert "selftaught spread" in (there / "page" / "report.md").read_text()


def test_without_the_distribution_its_runs_are_listed_and_said_to_be_unknown(there: Path) -> None:
    def bare(*arguments: str) -> Done:
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=there,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    assert "spread" in bare("runs").stdout
    refused = bare("resume", "latest")
    assert refused.code == 2
    assert "of a kind that selftaught" in refused.stderr
    assert bare("verify").code == 0


@pytest.mark.parametrize(
    ("module", "points", "said"),
    [
        ("import nothing_such", "spread = others_study:study", "No module named 'nothing_such'"),
        ("raise SystemExit(3)", "spread = others_study:study", "SystemExit: 3"),
        ("study = 3", "spread = others_study:study", "is no Study, but 3"),
        (MODULE, "spread = others_study:gone", "no attribute 'gone'"),
        (MODULE, "wide = others_study:study", "whose command is 'spread'"),
        (MODULE, "run = others_study:study", "'run' (others_study:study) has the name of another"),
    ],
)
def test_one_that_cannot_be_used_is_told_and_takes_nothing_else_down(
    tmp_path: Path, module: str, points: str, said: str
) -> None:
    install(tmp_path / "site", module, points)
    health = selftaught(tmp_path, "doctor")
    assert health.code == 0, health.stderr
    assert said in " ".join(health.stdout.split())
    name = points.partition(" ")[0]
    if name == "run":
        assert "Run STOP" in selftaught(tmp_path, "run", "--help").stdout
    else:
        refused = selftaught(tmp_path, name, "flow_shop", "--sets", "4")
        assert (refused.code, refused.stdout) == (2, "")
        assert said in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "selftaught.db").exists()
