"""Costs, limits on metrics, and ranges that are not known, from the utility to the result."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from selftaught.analysis.reward_scores import Scores, scores_that_do_not_hold
from selftaught.app import core_thread
from selftaught.app.compose import replay_run
from selftaught.app.resume import find_run
from selftaught.core.errors import ConfigError
from selftaught.core.scale import Scale
from selftaught.core.statistics import estimate, paired_difference
from selftaught.core.task import Task
from selftaught.engine.utility_error import UtilityError
from selftaught.journal.events import Evaluation, Run
from selftaught.journal.reader import open_reader
from selftaught.studies.registry import studies
from selftaught.studies.verify import verify_store

COSTS = (6.0, 2.0, 0.5, 4.0)


def numbered(number: int) -> str:
    return f"def algorithm():\n    return {number}\n"


def cost(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """What the program with this number costs."""
    number = program()
    return st.Measure(COSTS[number], metrics={"latency_ms": 10.0 * number})


def task(**how: Any) -> st.Task:
    return st.Task("cost", numbered(0), cost, minimize=True, **how)


def asked(folder: Path, texts: list[str]) -> dict[str, Any]:
    (folder / "texts.json").write_text(json.dumps([f"```python\n{text}```" for text in texts]))
    return {
        "model": f"scripted:{folder}/texts.json",
        "store": f"sqlite:///{folder}/store.db",
        "instance_key": "public",
    }


def improved(folder: Path, task: st.Task, texts: list[str]) -> st.ImproveResult:
    return st.improve(task, budget=st.Budget(lm_calls=4), confirm=5, **asked(folder, texts))


ALL = [numbered(number) for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def cheapest(tmp_path_factory: pytest.TempPathFactory) -> st.ImproveResult:
    return improved(tmp_path_factory.mktemp("costs"), task(), ALL)


def test_the_lowest_cost_is_best_and_results_have_the_users_own_values(
    cheapest: st.ImproveResult,
) -> None:
    assert cheapest.source.split()[-1] == "2"
    assert (cheapest.seed_test.mean, cheapest.best_test.mean) == (6.0, 0.5)
    ranked = cheapest.data["finalists"]
    assert [one["val"]["mean"] for one in ranked] == sorted(COSTS)
    assert [one["search"] for one in ranked] == sorted(COSTS)
    assert [one["behind"]["mean"] for one in ranked] == [0.0, 1.5, 3.5, 5.5]
    assert "cost, lower is better: mean over 2 sets" in str(cheapest)
    assert "Seed minus best on test: higher by 5.5000" in " ".join(str(cheapest).split())


def test_a_program_that_fails_has_no_mean_cost_and_is_never_best(tmp_path: Path) -> None:
    found = improved(tmp_path, task(), [numbered(2), "def algorithm():\n    return 1 / 0\n"])
    assert found.source.split()[-1] == "2"
    last = found.data["finalists"][-1]
    assert (last["search"], last["val"]["mean"], last["val"]["ci95"]) == (None, None, None)
    assert not last["tied"]
    assert "failed" in str(found)


def test_a_program_that_breaks_a_constraint_has_failed_and_is_told_how(tmp_path: Path) -> None:
    limited = task(constraints={"latency_ms": (None, 15)})
    found = improved(tmp_path, limited, ALL)
    assert found.source.split()[-1] == "1"
    assert found.best_test.mean == 2.0
    with open_reader(f"sqlite:///{tmp_path}/store.db") as reader:
        bodies = [event.body for event in reader.events(found.run_id, [Evaluation])]
    details = {one.detail for one in bodies if isinstance(one, Evaluation) and one.detail}
    assert details == {f"metric latency_ms = {value}, allowed at most 15" for value in (20, 30)}
    failed = st.score(limited, numbered(3))
    assert (failed.kind, failed.value) == ("infeasible", None)
    unmeasured = task(constraints={"bytes": (0, None)})
    with pytest.raises(UtilityError, match="measures no metric 'bytes', which has a constraint"):
        st.score(unmeasured, numbered(1))


@pytest.mark.parametrize("bounds", [(3, 2), (None,), ("a", None), 4])
def test_a_constraint_that_is_no_pair_of_bounds_is_refused(bounds: Any) -> None:
    with pytest.raises(ConfigError, match=r"must be \(least, most\)"):
        task(constraints={"latency_ms": bounds})


def test_the_model_is_told_what_is_minimised_and_what_is_allowed() -> None:
    limited = task(constraints={"latency_ms": (1, 15)}, range=(0, 9))
    said = limited.described()
    assert "utility(solution) is minus\n# that cost" in said
    assert "a failed program is worth -9." in said
    assert "unless metric latency_ms is at least 1 and at most 15." in said
    assert len({limited.version, task().version, st.Task("cost", numbered(0), cost).version}) == 3


def test_a_run_normalises_by_the_seed_where_no_range_is_known(tmp_path: Path) -> None:
    """A cost of 6 is 1/2; and the run is replayed and verified from its journal."""
    one, how = task(), asked(tmp_path, ALL)
    runs = {"search": 2, "val": 2, "test": 2}
    found = st.self_improve([one], iterations=1, runs=runs, **how)
    values = found.data["iterations"][0]["test"]
    assert 0.5 < values["mean"] <= 6 / 6.5
    with open_reader(how["store"]) as reader:
        assert verify_store(reader, studies(), found.run_id).findings == ()
    stored = find_run(how["store"], found.run_id, everything=True)
    replayed = core_thread.run(replay_run(stored, [one], rescore=False))
    assert not replayed["differences"]
    assert not replayed["diverged"]


def test_the_meta_utility_says_how_it_normalises() -> None:
    assert Scale(-1.0, 3.0).said == "normalised from [-1, 3]"
    assert Scale(np.inf, 0.0, 6.0).said.endswith("no range is known: 0 is 1, 6 is 1/2")
    assert Scale(1.0, np.inf, 5.0).said.endswith("no range is known: 1 is 0, 5 is 1/2")


@pytest.mark.parametrize(("worst", "best"), [(0.0, np.inf), (np.inf, 0.0), (0.0, 9.0), (9.0, 0.0)])
@pytest.mark.parametrize("seed", [None, 0.0, 0.2, 3.0])
def test_a_share_is_between_0_and_1_and_grows_as_values_get_better(
    worst: float, best: float, seed: float | None
) -> None:
    scale = Scale(worst, best, seed)
    values = np.linspace(0.0, 9.0, 50)
    shares = [scale.share(value) for value in (values if best > worst else values[::-1])]
    assert all(a < b for a, b in pairwise(shares))
    assert 0.0 <= shares[0] < shares[-1] <= 1.0
    assert scale.share(worst) == 0.0 if np.isfinite(worst) else scale.share(1e300) < 1e-6
    if seed and not scale.is_bounded:
        assert scale.share(seed) == pytest.approx(0.5)


def test_an_infinite_cost_has_no_interval_and_two_of_them_no_difference() -> None:
    one = estimate({"": [1.0, np.inf, 2.0]})
    assert (one.mean, one.as_json()["mean"], one.ci95) == (np.inf, None, None)
    assert paired_difference({"": [np.inf, 1.0]}, {"": [np.inf, 3.0]}).mean == -1.0
    assert paired_difference({"": [np.inf, 1.0]}, {"": [1.0, np.inf]}).as_json()["mean"] is None


def test_best_known_of_costs_may_be_the_lowest_value_and_is_below_the_highest() -> None:
    assert Task("c", "", cost, minimize=True, best_known=0.0).normalised(0.0) == 1.0
    with pytest.raises(ConfigError, match="outside of the range"):
        Task("c", "", cost, minimize=True, range=(0, 4), best_known=4.0)


def test_an_audit_takes_costs_for_best_where_they_are_lowest(tmp_path: Path) -> None:
    run = improved(tmp_path, task(), ALL)
    with open_reader(run.store) as reader:
        scores = Scores.of(reader.events(run.run_id, [Run, Evaluation]))
    assert [-one.value for one in scores.best_searched(9)] == sorted(COSTS)
    assert not list(scores_that_do_not_hold(scores))
