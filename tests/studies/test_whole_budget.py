"""`improve` with `evolve`: one improver run has the run's whole budget, is cut, and goes on."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from journal_support import said
from selftaught.analysis.descent import Descent, descent
from selftaught.app import core_thread
from selftaught.app.compose import replay_run
from selftaught.app.estimates import estimated
from selftaught.app.resume import find_run
from selftaught.journal.events import InvocationEnd, LmCall
from selftaught.journal.reader import open_reader
from selftaught.studies.improve.study import ImproveConfig
from selftaught.studies.improvers import load_improver
from selftaught.studies.settings import make_config
from selftaught.studies.study import Asked

SEED = "def algorithm():\n    return 1.5 * 2.0 + 0.25 - 4.0 / 3.0\n"
HOW: Mapping[str, Any] = {"instance_key": "public", "confirm": 2, "test_repeats": 2}


def near_pi(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """One over one more than how far it is from pi."""
    return 1 / (1 + abs(program() - np.pi))


TASK = st.Task("near_pi", SEED, near_pi, range=(0.0, 1.0))


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def improved(file: Path, **how: Any) -> st.ImproveResult:
    return st.improve(TASK, store=url(file), **{**HOW, **how})


def ends(file: Path, run_id: str) -> list[dict[str, Any]]:
    """How improver runs ended."""
    with open_reader(url(file)) as reader:
        return [said(event) for event in reader.events(run_id, [InvocationEnd])]


def born(file: Path, run_id: str) -> Descent:
    with open_reader(url(file)) as reader:
        return descent(reader.events(run_id))


def comes_to(result: st.ImproveResult) -> dict[str, Any]:
    told = ("seed", "best", "vs_seed", "finalists", "state")
    return {name: result.data[name] for name in told}


def replays(file: Path, run_id: str) -> bool:
    stored = find_run(url(file), run_id, everything=True)
    replayed = core_thread.run(replay_run(stored, [TASK], rescore=False))
    return not replayed["differences"] and not replayed["diverged"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[st.ImproveResult, Path]:
    """A run of eight calls that nothing disturbs."""
    file = tmp_path_factory.mktemp("whole") / "store.db"
    return improved(file, budget=st.Budget(lm_calls=8), slots=2), file


def test_one_improver_run_draws_the_whole_budget(whole: tuple[st.ImproveResult, Path]) -> None:
    result, file = whole
    (end,) = ends(file, result.run_id)
    assert end["usage"]["lm_calls"] == 8 == result.data["usage"]["lm_calls"]
    assert result.data["state"] == "budget"
    assert replays(file, result.run_id)


@pytest.mark.parametrize("slots", [1, 4])
def test_how_many_are_scored_at_once_changes_nothing(
    whole: tuple[st.ImproveResult, Path], tmp_path: Path, slots: int
) -> None:
    result, file = whole
    again = improved(tmp_path / "store.db", budget=st.Budget(lm_calls=8), slots=slots)
    assert comes_to(again) == comes_to(result)
    assert born(tmp_path / "store.db", again.run_id) == born(file, result.run_id)


@pytest.mark.parametrize("share", [0.3, pytest.param(0.7, marks=pytest.mark.slow)])
def test_a_run_that_is_cut_anywhere_goes_on_to_the_same_end(
    whole: tuple[st.ImproveResult, Path], tmp_path: Path, share: float
) -> None:
    result, file = whole
    copy = tmp_path / "copy.db"
    shutil.copyfile(file, copy)
    with closing(sqlite3.connect(copy)) as database:
        (last,) = database.execute("SELECT max(seq) FROM events").fetchone()
        database.execute("DELETE FROM events WHERE seq > ?", (round(share * last),))
        database.commit()
    again = st.improve(TASK, store=url(copy), resume=result.run_id)
    assert comes_to(again) == comes_to(result)
    assert again.data["usage"]["lm_calls"] == 8
    assert born(copy, result.run_id) == born(file, result.run_id)
    assert replays(copy, result.run_id)


@pytest.mark.parametrize(
    ("less", "more"),
    [
        (st.Budget(lm_calls=3), st.Budget(lm_calls=8)),
        (st.Budget(samples=20), st.Budget(samples=30)),
    ],
)
def test_a_raised_budget_goes_on_as_if_it_had_been_so_from_the_start(
    tmp_path: Path, less: st.Budget, more: st.Budget
) -> None:
    file, at_once = tmp_path / "raised.db", tmp_path / "at_once.db"
    cut = improved(file, budget=less)
    assert [end["outcome"] for end in ends(file, cut.run_id)] == ["returned"]  # in order
    raised = st.improve(TASK, store=url(file), resume=cut.run_id, budget=more)
    started = improved(at_once, budget=more)
    assert comes_to(raised) == comes_to(started)
    assert raised.data["usage"]["samples"] == started.data["usage"]["samples"]
    assert born(file, raised.run_id) == born(at_once, started.run_id)
    assert replays(file, raised.run_id)


@pytest.mark.parametrize(
    "how",
    [
        {"limits": st.ImproverLimits(calls=2)},
        {"limits": st.ImproverLimits(calls=2), "patience": 9},
    ],
)
def test_limits_that_are_given_stand_and_improver_runs_begin_again(
    tmp_path: Path, how: dict[str, Any]
) -> None:
    result = improved(tmp_path / "store.db", budget=st.Budget(lm_calls=4), **how)
    calls = [end["usage"]["lm_calls"] for end in ends(tmp_path / "store.db", result.run_id)]
    assert calls[:2] == [2, 2]


def test_without_a_budget_it_is_one_improver_run_of_the_usual_limits(tmp_path: Path) -> None:
    result = improved(tmp_path / "store.db")
    (end,) = ends(tmp_path / "store.db", result.run_id)
    assert end["usage"]["lm_calls"] == st.ImproverLimits().calls
    assert result.data["state"] == "done"


@pytest.mark.parametrize(
    ("budget", "calls"), [({"lm_calls": 50}, 50), ({"samples": 48}, 8), ({"tokens": 60_000}, None)]
)
def test_an_estimate_is_of_the_whole_budget(budget: dict[str, int], calls: int | None) -> None:
    config = make_config(ImproveConfig, {"budget": budget, "instance_key": "public"})
    found = core_thread.run(estimated(Asked(config, [TASK], load_improver("evolve"))))
    (step,) = (one for one in found["steps"] if one["name"] == "search")
    if calls is None:
        tokens = step["likely"]["tokens_in"] + step["likely"]["tokens_out"]
        assert 0.95 * budget["tokens"] < tokens <= budget["tokens"] + 10
    else:
        assert step["most"]["lm_calls"] == calls
        assert step["most"]["samples"] == 6 * step["most"]["lm_calls"]
    assert step["scored"]["likely"] <= step["scored"]["most"]


def test_the_line_to_the_best_program_begins_with_the_seed_and_says_what_was_asked(
    whole: tuple[st.ImproveResult, Path],
) -> None:
    result, file = whole
    found = born(file, result.run_id)
    line = found.line_to(found.best)
    assert line[0].became == "first"
    assert len(line) > 1
    for parent, child in pairwise(line):
        assert child.parent_id == parent.program_id
        assert child.note.startswith("program from place ")
    with open_reader(url(file)) as reader:
        calls = [said(event)["note"] for event in reader.events(result.run_id, [LmCall])]
    assert all(calls[one.call - 1] == one.note for one in found.programs[1:])


def test_the_tree_has_each_program_once_below_its_parent(
    whole: tuple[st.ImproveResult, Path],
) -> None:
    result, file = whole
    found = born(file, result.run_id)
    drawn = [*found.tree()]
    assert sorted(one.program_id for *_, one in drawn) == sorted(
        one.program_id for one in found.programs
    )
    # The last at a depth from which a branch parts, or which goes on, is the parent.
    above: dict[int, str] = {}
    for depth, begins, one in drawn[1:]:
        above.setdefault(0, drawn[0][2].program_id)
        assert one.parent_id == above[depth - 1 if begins else depth]
        above[depth] = one.program_id
    assert [one.program_id for depth, _, one in drawn if depth == 0] == [
        one.program_id for one in found.line_to(found.best)
    ]
