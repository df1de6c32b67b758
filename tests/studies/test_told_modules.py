"""The description of the meta-utility names the further modules that guests can import."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import selftaught as st
from journal_support import said
from selftaught.app import core_thread
from selftaught.app.compose import replay_run
from selftaught.app.discovery import load_task
from selftaught.app.resume import find_run
from selftaught.core.budget import ImproverLimits
from selftaught.core.program import Program
from selftaught.engine.describe import describe_meta_utility, describe_task
from selftaught.journal.events import Diverged, LmCall
from selftaught.journal.reader import open_reader

RUNS: Any = {"search": 1, "val": 2, "test": 2}
MODULES = ("sched", "calendar")
USUAL = "Only the standard library and numpy can be imported."
TOLD = "Only the standard library, numpy, sched and calendar can be imported."
READS_ITS_UTILITY = """\
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    message = utility.str + "\\n" + initial_solution
    texts = language_model.prompt("expert", message, n_responses=4)
    return max([initial_solution, *filter(None, extract_code(texts))], key=utility)
"""


def value(program: st.SandboxedProgram, rng: Any) -> float:
    return float(program())


TASK = st.Task("value", "def algorithm():\n    return 0.0\n", value, (0.0, 1.0), description="v")


def stop(folder: Path, **how: Any) -> st.SelfImproveResult:
    """A small run from an improver that reads what its utility is."""
    texts = [READS_ITS_UTILITY.replace("expert", "Expert"), TASK.seed_program().source]
    path, improver = folder / "texts.json", folder / "improver.py"
    path.write_text(json.dumps([f"```python\n{text}```" for text in texts]))
    improver.write_text(READS_ITS_UTILITY)
    how = {"iterations": 1, "runs": RUNS, "instance_key": "public", "improver": improver} | how
    url = f"sqlite:///{folder / 'store.db'}"
    return st.self_improve([TASK], model=f"scripted:{path}", store=url, **how)


def said_about_modules(folder: Path, run_id: str) -> set[str]:
    """The sentence, in all prompts that improve an improver."""
    with open_reader(f"sqlite:///{folder / 'store.db'}") as reader:
        asked = {said(event)["user"] for event in reader.events(run_id, [LmCall])}
        lines = [line for text in reader.texts(asked).values() for line in text.splitlines()]
    return {f"Only{line.partition('Only')[2]}" for line in lines if "can be imported" in line}


def diverged(folder: Path, run_id: str) -> list[Any]:
    with open_reader(f"sqlite:///{folder / 'store.db'}") as reader:
        return list(reader.events(run_id, [Diverged]))


def as_an_older_version_left_it(folder: Path, run_id: str) -> None:
    """A run with further modules, whose prompts did not name them, cut near its end."""
    with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as database:
        (text,) = database.execute(
            "SELECT body FROM events WHERE run_id = ? AND kind = 'run'", (run_id,)
        ).fetchone()
        body = json.loads(text)
        body["config"]["sandbox"]["modules"] = list(MODULES)
        assert "modules_told" not in body
        database.execute(
            "UPDATE events SET body = ? WHERE run_id = ? AND kind = 'run'",
            (json.dumps(body), run_id),
        )
        cut = "run_id = ? AND seq > (SELECT min(seq) FROM events WHERE kind = 'proposal') - 2"
        database.execute(f"DELETE FROM events WHERE {cut}", (run_id,))


@pytest.mark.parametrize("modules", [(), ("scipy",), ("scipy", "sklearn.tree")])
def test_the_description_names_what_can_be_imported(modules: tuple[str, ...]) -> None:
    said = describe_meta_utility([TASK], RUNS, ImproverLimits(), modules)
    usual = describe_meta_utility([TASK], RUNS, ImproverLimits())
    listed = {0: "and numpy", 1: ", numpy and scipy", 2: ", numpy, scipy and sklearn.tree"}
    sentence = USUAL.replace(" and numpy", f" {listed[len(modules)]}".replace(" ,", ","))
    assert sentence in said
    assert said.replace(sentence, USUAL) == usual
    compile(said, "description", "exec")


def test_improvers_of_a_run_with_further_modules_read_of_them_and_it_replays(
    tmp_path: Path,
) -> None:
    result = stop(tmp_path, sandbox={"modules": list(MODULES)})
    assert said_about_modules(tmp_path, result.run_id) == {TOLD}
    stored = find_run(result.store, result.run_id, everything=True)
    replayed = core_thread.run(replay_run(stored, [TASK], rescore=False))
    assert (replayed["differences"], replayed["diverged"]) == ([], [])


@pytest.mark.slow
def test_a_run_of_an_older_version_goes_on_and_replays_with_the_prompts_that_it_had(
    tmp_path: Path,
) -> None:
    whole = stop(tmp_path, repeats=2)
    first, second = (one.run_id for one in whole.runs)
    as_an_older_version_left_it(tmp_path, first)
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as database:
        database.execute("DELETE FROM events WHERE run_id = ?", (second,))
    again = stop(tmp_path, resume=first)
    assert again.runs[0].data["iterations"] == whole.runs[0].data["iterations"]
    for run in again.runs:
        assert said_about_modules(tmp_path, run.run_id) == {USUAL}
        assert diverged(tmp_path, run.run_id) == []
    stored = find_run(again.store, first, everything=True)
    assert stored.config.sandbox.modules == MODULES
    replayed = core_thread.run(replay_run(stored, [TASK], rescore=False))
    assert (replayed["differences"], replayed["diverged"]) == ([], [])


def test_the_program_of_the_usual_description_is_what_it_was() -> None:
    """It stands in prompts, from which the keys of model calls are made."""
    said = describe_meta_utility([TASK], RUNS, ImproverLimits())
    assert Program(said).id == "4bcfc8aa5540912e03b70bb0c0f58029"
    before = describe_meta_utility([TASK], RUNS, ImproverLimits(), reply_scheme=1)
    assert Program(before).id == "c87cae21c0477c3a16800a94130af2bf"


def test_what_programs_of_a_task_can_import_is_told_with_it() -> None:
    """Where there are further modules, or the task is the user's own: others' prompts stay."""
    told = "# A program can import these modules and no others: "
    assert describe_task(TASK, MODULES).splitlines()[-1].startswith(f"{told}sched, calendar; abc, ")
    assert describe_task(TASK).splitlines()[-1].startswith(f"{told}abc, ")
    shipped = load_task("flow_shop")
    assert describe_task(shipped) == shipped.described()
    assert f"\n\n{told}scipy; abc, " in describe_task(shipped, ["scipy"])
    assert describe_task(TASK, MODULES, scheme=2) == "v"
