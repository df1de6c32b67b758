"""How an improve run ends: when it is good enough, and with no more measuring than tells."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from selftaught.app import core_thread
from selftaught.app.compose import replay_run
from selftaught.app.estimates import estimated
from selftaught.app.resume import find_run
from selftaught.core.errors import ConfigError
from selftaught.journal.events import Evaluation, Phase
from selftaught.journal.reader import open_reader
from selftaught.studies.improve.finalists import Plan
from selftaught.studies.improve.study import ImproveConfig
from selftaught.studies.improvers import load_improver
from selftaught.studies.settings import make_config
from selftaught.studies.study import Asked


def numbered(number: int) -> str:
    return f"def algorithm():\n    return {number}\n"


def exact(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """A tenth of its number: nothing is drawn."""
    return float(program()) / 10


def drawn(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """The same, with a little luck."""
    return float(program()) / 10 + float(rng.uniform(0, 0.02))


def task_of(utility: Any, **how: Any) -> st.Task:
    return st.Task(
        "tenths", numbered(0), utility, description="numbers", **{"range": (0, 1), **how}
    )


EXACT, DRAWN = task_of(exact), task_of(drawn)


def store_of(folder: Path) -> str:
    return f"sqlite:///{folder}/store.db"


def improved(
    folder: Path, task: st.Task, programs: Sequence[int | str], **how: Any
) -> st.ImproveResult:
    texts = [numbered(one) if isinstance(one, int) else one for one in programs]
    path = folder / "texts.json"
    path.write_text(json.dumps([f"```python\n{text}```" for text in texts]))
    common = {"store": store_of(folder), "instance_key": "public", "budget": {"lm_calls": 3}}
    return st.improve(task, model=f"scripted:{path}", **{**common, **how})


def measured(folder: Path, run_id: str) -> Counter[tuple[str, str]]:
    """Evaluations, by program and stream."""
    with open_reader(store_of(folder)) as reader:
        bodies = [event.body for event in reader.events(run_id, [Evaluation])]
    return Counter((one.program, one.stream) for one in bodies if isinstance(one, Evaluation))


def assert_replays(folder: Path, task: st.Task, run_id: str) -> None:
    for rescore in (False, True):
        stored = find_run(store_of(folder), run_id, everything=True)
        replayed = core_thread.run(replay_run(stored, [task], rescore=rescore))
        assert not replayed["differences"]
        assert not replayed["diverged"]


# --- measuring ----------------------------------------------------------------------------------


def test_programs_that_are_surely_behind_are_dropped_from_the_race(tmp_path: Path) -> None:
    result = improved(tmp_path, DRAWN, [1, 3, 5, 7], confirm=4, test_repeats=20)
    val = [one["val"]["n"] for one in result.data["finalists"]]
    # A tenth between two of them is far more than luck: the first round tells.
    assert val == [5] * len(val)
    assert result.data["best"]["test"]["n"] == result.data["seed"]["test"]["n"] == 20
    counts = measured(tmp_path, result.run_id)
    assert {count for (_, stream), count in counts.items() if stream == "val"} == {5}
    assert {count for (_, stream), count in counts.items() if stream == "test"} == {20}
    assert not any(one["tied"] for one in result.data["finalists"][1:])
    assert_replays(tmp_path, DRAWN, result.run_id)


def test_programs_that_are_close_are_measured_on_all_sets(tmp_path: Path) -> None:
    def close(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        return 0.5 + program() / 1000 + float(rng.uniform(0, 0.2, 8)[program()])

    task = task_of(close)
    result = improved(tmp_path, task, [1, 2, 3], confirm=3, test_repeats=12)
    assert [one["val"]["n"] for one in result.data["finalists"]][:2] == [12, 12]
    assert result.data["finalists"][1]["tied"]
    assert_replays(tmp_path, task, result.run_id)


def test_a_utility_that_draws_nothing_is_not_repeated(tmp_path: Path) -> None:
    result = improved(tmp_path, EXACT, [1, 3, 5], confirm=4, test_repeats=20)
    counts = measured(tmp_path, result.run_id)
    assert {count for (_, stream), count in counts.items() if stream != "search"} == {2}
    best = result.data["best"]
    assert best["test"] == best["val"] == {"mean": 0.5, "ci95": [0.5, 0.5], "n": 2}
    assert_replays(tmp_path, EXACT, result.run_id)


def test_what_few_sets_show_keeps_within_the_range_and_has_no_verdict(tmp_path: Path) -> None:
    def lucky(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        return 1.0 if program() > 5 else 0.3 * float(rng.random() < 0.5)

    result = improved(tmp_path, task_of(lucky), [1, 9], confirm=3, test_repeats=3)
    best, seed = result.data["best"], result.data["seed"]
    # Clopper and Pearson of 3 of 3.
    assert best["test"]["ci95"] == pytest.approx([0.025 ** (1 / 3), 1.0])
    assert 0.0 <= seed["test"]["ci95"][0] <= seed["test"]["ci95"][1] <= 1.0
    assert result.data["vs_seed"]["ci95"][1] <= 1.0
    for one in result.data["finalists"]:
        assert -1.0 <= one["behind"]["ci95"][0] <= one["behind"]["ci95"][1] <= 1.0
    assert "of too few sets for a verdict, paired over 3 sets" in " ".join(str(result).split())
    assert_replays(tmp_path, task_of(lucky), result.run_id)


def test_a_program_that_draws_is_repeated_though_its_utility_does_not(tmp_path: Path) -> None:
    wavering = "import random\ndef algorithm():\n    return 5 + random.random()\n"
    result = improved(tmp_path, EXACT, [wavering], test_repeats=6, budget={"lm_calls": 1})
    assert result.data["best"]["source"] == wavering.strip()
    assert result.data["best"]["test"]["n"] == 6


@pytest.mark.parametrize(("searched", "most"), [(13, 25), (25, 25), (61, 96), (121, 160)])
def test_the_end_takes_about_as_long_as_the_search(searched: int, most: int) -> None:
    plan = Plan.of({}, searched)
    assert (plan.finalists + 1 + 2) * plan.sets == most
    assert Plan.of({"confirm": 1, "test_repeats": 3}, searched) == Plan(1, 3)


def test_runs_of_older_versions_measure_as_they_did() -> None:
    plan = Plan.of({"repeats": 7}, 1000)
    assert (plan.finalists, plan.rounds(None)) == (5, [7])
    assert Plan.of({"test_repeats": 12}, 0).rounds(None) == [2, 5, 10, 12]


# --- good enough --------------------------------------------------------------------------------


def test_a_target_ends_the_search_and_is_said(tmp_path: Path) -> None:
    result = improved(
        tmp_path, DRAWN, [2, 4, 6], target=0.4, budget={"lm_calls": 50}, confirm=1, test_repeats=2
    )
    assert result.state == "done"
    assert result.data["best"]["test"]["mean"] >= 0.4
    assert result.data["usage"]["lm_calls"] < 50
    why = "a program scores at least 0.4 on search, the target"
    assert result.data["stopped"] == why
    assert f"The search ended early: {why}." in str(result)
    with open_reader(store_of(tmp_path)) as reader:
        (phase,) = (event.body for event in reader.events(result.run_id, [Phase]))
        assert isinstance(phase, Phase)
        assert phase.detail == why
    assert find_run(store_of(tmp_path), result.run_id).head.detail == why
    assert_replays(tmp_path, DRAWN, result.run_id)


@pytest.mark.parametrize(
    ("task", "said"),
    [(task_of(exact), "the highest there is"), (task_of(exact, best_known=0.8), "the best known")],
)
def test_what_cannot_be_beaten_ends_the_search_by_itself(
    tmp_path: Path, task: st.Task, said: str
) -> None:
    result = improved(tmp_path, task, [10, 10, 10], budget={"lm_calls": 50})
    assert result.state == "done"
    assert result.data["usage"]["lm_calls"] <= 2  # one is asked while the first are scored
    assert said in result.data["stopped"]
    assert result.data["best"]["test"]["mean"] == 1.0


def test_a_seed_that_is_good_enough_asks_the_model_nothing(tmp_path: Path) -> None:
    result = improved(tmp_path, EXACT, [5], target=0.0)
    assert (result.state, result.data["usage"]["requests"]) == ("done", 0)
    assert result.source == numbered(0)


def test_a_search_that_reaches_nothing_says_nothing_of_it(tmp_path: Path) -> None:
    result = improved(tmp_path, EXACT, [1, 2, 3], target=0.9)
    assert result.state == "budget"
    assert "stopped" not in result.data


# --- before and meanwhile -----------------------------------------------------------------------


def test_utilities_keep_to_their_number_at_once(tmp_path: Path) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def alone(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return float(program()) / 10

    improved(tmp_path, task_of(alone), [1, 2, 3], slots=3, utility_threads=1)
    assert most == 1
    improved(tmp_path, task_of(alone), [1, 2, 3], slots=3)
    assert most > 1


def estimate_of(tmp_path: Path, **how: Any) -> dict[str, Any]:
    values = {"model": "local:mutator", "store": store_of(tmp_path), **how}
    config = make_config(ImproveConfig, values)
    found: dict[str, Any] = core_thread.run(
        estimated(Asked(config, [DRAWN], load_improver("seed")))
    )
    return found


def test_an_estimate_tells_calls_and_programs_and_writes_nothing(tmp_path: Path) -> None:
    found = estimate_of(tmp_path, budget={"lm_calls": 2}, confirm=3, test_repeats=8)
    search, val, test = found["steps"]
    # The seed improver asks once a run, for six programs.
    assert (search["likely"]["lm_calls"], search["likely"]["samples"]) == (2, 12)
    assert found["most_within_budget"]["lm_calls"] == 2
    assert search["scored"]["likely"] == 13
    assert (val["scored"]["most"], test["scored"]["most"]) == (4 * 8, 2 * 8)
    assert search["scored"]["seconds_each"] > 0
    assert not (tmp_path / "store.db").exists()


def test_an_estimate_of_what_nothing_bounds_is_refused(tmp_path: Path) -> None:
    assert estimate_of(tmp_path)["steps"][0]["likely"]["lm_calls"] == 1
    with pytest.raises(ConfigError, match="nothing bounds what the search asks"):
        estimate_of(tmp_path, patience=3)


@pytest.mark.parametrize("left_out", [1, 6, 14])
def test_a_run_at_its_target_that_was_cut_goes_on_to_the_same_end(
    tmp_path: Path, left_out: int
) -> None:
    how = {"target": 0.4, "budget": {"lm_calls": 50}, "test_repeats": 4}
    whole = improved(tmp_path, DRAWN, [1, 2, 4], **how)
    with closing(sqlite3.connect(tmp_path / "store.db")) as database:
        sql = "DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq DESC LIMIT ?)"
        database.execute(sql, (left_out + 1,))
        database.commit()
    again = st.improve(DRAWN, store=store_of(tmp_path), resume=whole.run_id)
    for name in ("seed", "best", "finalists", "stopped", "state", "usage"):
        assert again.data[name] == whole.data[name]
    assert_replays(tmp_path, DRAWN, whole.run_id)
