"""Improve runs: luck on search does not decide, and a task may be without a program."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from journal_support import said
from selftaught.app import core_thread
from selftaught.app.compose import replay_run
from selftaught.app.resume import find_run
from selftaught.core.errors import SelfTaughtError
from selftaught.core.statistics import paired_difference
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd
from selftaught.journal.reader import open_reader

WORTH = (0.30, 0.32, 0.45, 0.48)


def numbered(number: int) -> str:
    return f"def algorithm():\n    return {number}\n"


def noisy(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """What the program with this number is worth, and luck, which is another each time."""
    number = program()
    luck = float(rng.uniform(-0.3, 0.3, len(WORTH))[number])
    return st.Measure(WORTH[number] + luck, metrics={"luck": luck})


TASK = st.Task("noisy", numbered(0), noisy, range=(0.0, 1.0), description="numbers")


def scripted(folder: Path, texts: Sequence[str]) -> str:
    path = folder / "texts.json"
    path.write_text(json.dumps([f"```python\n{text}```" for text in texts]))
    return f"scripted:{path}"


def improved(folder: Path, task: st.Task, texts: Sequence[str], **how: Any) -> st.ImproveResult:
    return st.improve(
        task,
        model=scripted(folder, texts),
        store=f"sqlite:///{folder}/store.db",
        instance_key="public",
        **how,
    )


@pytest.fixture(scope="module")
def lucky(tmp_path_factory: pytest.TempPathFactory) -> tuple[st.ImproveResult, Path]:
    folder = tmp_path_factory.mktemp("lucky")
    texts = [numbered(number) for number in (1, 2, 3)]
    how = {"budget": st.Budget(lm_calls=4), "seed": 6, "confirm": 4, "test_repeats": 20}
    return improved(folder, TASK, texts, **how), folder


def values_on(folder: Path, run_id: str, stream: str) -> dict[str, list[float]]:
    """By program, in the order of the sets of instances; read from the journal."""
    found: dict[str, dict[int, float]] = {}
    with open_reader(f"sqlite:///{folder}/store.db") as reader:
        for event in reader.events(run_id, [Evaluation]):
            body = said(event)
            if body["stream"] == stream:
                number = int(body["repeat"].removeprefix(f"{stream}-").replace("improve", "0"))
                found.setdefault(body["program"], {})[number] = body["value"]
    return {one: [by[i] for i in sorted(by)] for one, by in found.items()}


def test_the_best_is_chosen_on_val_among_those_that_were_best_on_search(
    lucky: tuple[st.ImproveResult, Path],
) -> None:
    result, folder = lucky
    data = result.data
    search = {one: values[0] for one, values in values_on(folder, result.run_id, "search").items()}
    val = values_on(folder, result.run_id, "val")
    assert len(search) == len(val) == 4
    finalists = data["finalists"]
    assert {one["program_id"]: one["search"] for one in finalists} == search
    came = {one: (-len(values), -sum(values)) for one, values in val.items()}
    assert [one["program_id"] for one in finalists] == sorted(came, key=lambda one: came[one])
    assert data["best"]["program_id"] == finalists[0]["program_id"]
    # On these instances luck had another one first.
    assert max(search, key=lambda one: search[one]) != data["best"]["program_id"]


def test_who_is_tied_follows_from_paired_differences_on_val(
    lucky: tuple[st.ImproveResult, Path],
) -> None:
    result, folder = lucky
    val = values_on(folder, result.run_id, "val")
    best = val[result.data["best"]["program_id"]]
    tied = set()
    for one in result.data["finalists"]:
        own = val[one["program_id"]]
        behind = paired_difference({"": best[: len(own)]}, {"": own})
        assert one["behind"] == behind.as_json()
        assert behind.ci95 is not None
        if behind.ci95[0] <= 0:
            tied.add(one["program_id"])
    assert {one["program_id"] for one in result.data["finalists"] if one["tied"]} == tied
    assert 0 < len(tied) < 4


def test_metrics_ride_along(lucky: tuple[st.ImproveResult, Path]) -> None:
    best = lucky[0].data["best"]
    worth = WORTH[int(best["source"].split()[-1])]
    assert best["metrics"]["luck"] == pytest.approx(best["test"]["mean"] - worth)


def test_a_run_without_a_better_program_keeps_the_seed(tmp_path: Path) -> None:
    result = improved(tmp_path, TASK, ["def algorithm(:\n"], budget=st.Budget(lm_calls=1))
    assert result.source == numbered(0)
    assert result.data["best"] == result.data["seed"]


def test_a_task_without_a_seed_gets_its_first_program_from_the_model(tmp_path: Path) -> None:
    task = st.Task("noisy", None, noisy, range=(0.0, 1.0), description="numbers")
    texts = ["def algorithm(:\n", "def algorithm():\n    return 9\n", numbered(0), numbered(3)]
    result = improved(tmp_path, task, texts, budget=st.Budget(lm_calls=6))
    assert result.data["seed"]["source"].split()[-1] in ("0", "3")
    assert result.state == "budget"
    with open_reader(f"sqlite:///{tmp_path}/store.db") as reader:
        roles = [said(event)["role"] for event in reader.events(result.run_id, [Invocation])]
    assert roles[0] == "first"
    assert set(roles[1:]) == {"improve"}
    stored = find_run(f"sqlite:///{tmp_path}/store.db", result.run_id, everything=True)
    replayed = core_thread.run(replay_run(stored, [task], rescore=False))
    assert not replayed["differences"]
    assert not replayed["diverged"]


def test_a_stop_run_takes_a_task_without_a_seed(tmp_path: Path) -> None:
    task = st.Task("noisy", None, noisy, range=(0.0, 1.0), description="numbers")
    result = st.self_improve(
        [task],
        iterations=1,
        model=scripted(tmp_path, [numbered(number) for number in range(4)]),
        limits=st.ImproverLimits(samples_per_call=2, utility_uses=4),
        runs={"search": 1, "val": 2, "test": 2},
        store=f"sqlite:///{tmp_path}/store.db",
    )
    assert result.state == "done"
    assert result.data["iterations"][0]["val"]["mean"] > 0


def test_a_model_that_writes_no_first_program_is_said_in_one_line(tmp_path: Path) -> None:
    task = st.Task("noisy", None, noisy, range=(0.0, 1.0), description="numbers")
    with pytest.raises(SelfTaughtError) as told:
        improved(tmp_path, task, ["def algorithm(:\n"])
    said = str(told.value)
    assert "\n" not in said
    assert "task noisy has no seed, and the model wrote no first program in 24 responses" in said
    assert "Task(seed=...)" in said


# It forgets what it has found: what is best is known from its scores alone.
FORGETFUL = """
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    texts = language_model.prompt("expert", initial_solution, n_responses=2)
    utility.map([text for text in extract_code(texts) if text])
    return initial_solution
"""


def steady(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """Its number; there are equals."""
    return (program() // 2) / 10


STEADY = st.Task("steady", numbered(0), steady, range=(0.0, 1.0), description="numbers")


def cut(folder: Path, copy: str, n_events: int) -> str:
    """A store in which the run goes no further than that."""
    shutil.copy(folder / "store.db", folder / copy)
    with closing(sqlite3.connect(folder / copy)) as database:
        sql = "DELETE FROM events WHERE seq NOT IN (SELECT seq FROM events ORDER BY seq LIMIT ?)"
        database.execute(sql, (n_events,))
        database.commit()
    return f"sqlite:///{folder / copy}"


def improver_runs(store: str, run_id: str) -> dict[str, str]:
    """What each returned, by key."""
    with open_reader(store) as reader:
        ends = reader.events(run_id, [InvocationEnd])
        return {event.key: said(event)["program"] for event in ends}


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> tuple[st.ImproveResult, Path]:
    folder = tmp_path_factory.mktemp("forgetful")
    (folder / "forgetful.py").write_text(FORGETFUL)
    texts = [numbered(number) for number in range(1, 8)]
    how = {"improver": folder / "forgetful.py", "budget": st.Budget(lm_calls=4)}
    return improved(folder, STEADY, texts, **how), folder


@pytest.mark.parametrize("ended", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 3))])
@pytest.mark.parametrize("later", [3, pytest.param(0, marks=pytest.mark.slow)])
def test_a_run_that_was_cut_begins_its_improver_runs_from_what_it_would_have_begun_from(
    forgetful: tuple[st.ImproveResult, Path], ended: int, later: int
) -> None:
    result, folder = forgetful
    store = f"sqlite:///{folder}/store.db"
    with open_reader(store) as reader:
        kinds = [event.kind for event in reader.events(result.run_id)]
    places = [place for place, kind in enumerate(kinds) if kind == "invocation_end"]
    assert len(places) == 4
    copy = cut(folder, f"{ended}-{later}.db", places[ended - 1] + 1 + later)
    again = st.improve(STEADY, store=copy, resume=result.run_id)
    assert improver_runs(copy, result.run_id) == improver_runs(store, result.run_id)
    told = ("seed", "best", "finalists", "usage", "state")
    assert {name: again.data[name] for name in told} == {name: result.data[name] for name in told}
    for rescore in (False, True):
        stored = find_run(copy, result.run_id, everything=True)
        replayed = core_thread.run(replay_run(stored, [STEADY], rescore=rescore))
        assert not replayed["differences"]
        assert not replayed["diverged"]
