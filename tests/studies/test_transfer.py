"""Transfer: both improvers on the same instances, every number from the journal, Holm and p."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import selftaught as st
from selftaught.core.budget import Budget, ImproverLimits
from selftaught.core.language_model import Prompt
from selftaught.core.ports import Sandbox
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.statistics import holm
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.ledger import Ledger
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.executors.local import LocalExecutor
from selftaught.journal.journal import open_journal
from selftaught.journal.reader import open_reader
from selftaught.models.scripted import Scripted
from selftaught.pages.blocks import Page
from selftaught.pages.figures import drawn_figures
from selftaught.studies.bookkeeping import NothingMeasured
from selftaught.studies.registry import studies
from selftaught.studies.settings import make_config
from selftaught.studies.study import Asked
from selftaught.studies.transfer.page import transfer_notes, transfer_section, transfer_tables
from selftaught.studies.transfer.study import TransferConfig
from selftaught.studies.transfer.table import (
    TransferredTask,
    least_sign_flip_p,
    sign_flip_p,
    transfer_rows,
)
from selftaught.studies.verify import verify_store
from study_support import studied as studied_with

# --- p-values and their correction --------------------------------------------------------------


def test_holm_comes_to_what_the_steps_by_hand_do() -> None:
    # 4 x 0.005; 3 x 0.01; 2 x 0.03; 1 x 0.04, which may not be less than the one before.
    by_hand = {"b": 0.02, "a": 0.03, "c": 0.06, "d": 0.06}
    found = holm({"a": 0.01, "b": 0.005, "c": 0.03, "d": 0.04})
    assert found == pytest.approx(by_hand)
    assert list(found) == ["a", "b", "c", "d"]
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({"one": 0.04}) == {"one": 0.04}
    assert holm({}) == {}


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ([1.0, 2.0, 3.0], 2 / 8),  # only all + and all - are as far from 0
        ([1.0, 2.0, -3.0], 1.0),  # their sum is 0
        ([1.0, 1.0, 1.0, -1.0], 10 / 16),  # sums of 2 or more: 1 + 4, twice
        ([0.0, 0.0], 1.0),
        ([0.0, 5.0], 1.0),  # a pair without difference tells nothing
        ([0.1, 0.2, -0.3, 0.1, 0.2], 2 * (1 + 2 + 2 + 1 + 1) / 32),
        ([math.inf, -5.0], 1.0),  # an infinite one decides alone
        ([math.inf, math.inf, -5.0], 4 / 8),
    ],
)
def test_the_sign_flip_test_counts_the_ways_to_flip(differences: list[float], p: float) -> None:
    if differences == [0.1, 0.2, -0.3, 0.1, 0.2]:
        ways = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1).T @ np.array([1, 2, 3, 1, 2])
        p = float(np.mean(np.abs(ways) >= 3))  # in tenths, so that nothing is rounded
    assert sign_flip_p(differences) == pytest.approx(p)


@pytest.mark.parametrize("n", [5, 12, 15])
def test_the_sign_flip_test_agrees_with_that_of_scipy(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.3, 1.0, n)
    theirs = stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(differences.tolist()) == pytest.approx(theirs.pvalue)


def test_many_differences_are_tested_by_drawn_ways_near_the_exact_value() -> None:
    differences = np.random.default_rng(4).normal(0.35, 1.0, 40)
    assert sign_flip_p(differences.tolist()) == pytest.approx(
        stats.ttest_1samp(differences, 0).pvalue, abs=0.01
    )
    assert sign_flip_p([1.0] * 40) == least_sign_flip_p(40) == 1 / 100_000
    assert sign_flip_p([1.0] * 15) == least_sign_flip_p(15) == 2 / 2**15


def test_under_no_difference_a_p_below_a_twentieth_comes_as_often_as_it_may() -> None:
    rng = np.random.default_rng(0)
    below = [sign_flip_p(rng.standard_cauchy(10).tolist()) <= 0.05 for _ in range(1000)]
    assert 0.03 < np.mean(below) < 0.07


def test_the_correction_of_restarts_is_over_the_tasks_that_have_them() -> None:
    better = TransferredTask("a", [0.0] * 6, [0.0] * 6, [1.0] * 6, [0.0] * 6)
    also = TransferredTask("b", [0.0] * 6, [0.0] * 6, [1.0] * 6)
    first, second = transfer_rows([better, also])
    assert first["vs_seed_improver"]["p_value"] == pytest.approx(2 / 64)
    assert first["vs_seed_improver"]["p_holm"] == pytest.approx(4 / 64)
    assert first["vs_seed_restarted"]["p_holm"] == pytest.approx(2 / 64)
    assert (second["seed_restarted"], second["vs_seed_restarted"]) == (None, None)


# --- a whole study ------------------------------------------------------------------------------

RUNS = 6
SEED_IMPROVER = '''\
"""Ask so often, take the best."""
from helpers import extract_code

WISH, CALLS = "Improve:\\n", 1


def improve_algorithm(initial_solution, utility, language_model):
    texts = []
    for _ in range(CALLS):
        texts += language_model.prompt("expert", WISH + initial_solution, n_responses=2)
    return max(filter(None, extract_code(texts)), key=utility)
'''
IMPROVED = SEED_IMPROVER.replace('"Improve:\\n", 1', '"Please improve:\\n", 2')
SEED_PROGRAM = "def algorithm(x):\n    return x\n"


def task(name: str, wanted: int, top: float = 1.0) -> st.Task:
    def nearness(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
        x, noise = int(rng.integers(0, 1 << 30)), float(rng.random()) / 8
        miss = min(4, abs(program(x) - x - wanted))
        return st.Measure(1.0 - noise - 0.2 * miss, metrics={"x": x})

    return st.Task(name, SEED_PROGRAM, nearness, (0.0, top), description=f"near x + {wanted}")


TASKS = (task("three", 3), task("two", 2, top=float("inf")))


def answer(prompt: Prompt) -> Sequence[str]:
    """Shifts by chance, to which a polite wish adds; one in six answers fails on test."""
    polite = prompt.user.startswith("Please")
    codes = []
    for seed in prompt.seeds[: prompt.n]:
        shift = seed % 3 + polite
        wrong = "1 / 0" if seed % 6 == 5 else f"x + {shift}"
        codes.append(SEED_PROGRAM.replace("return x", f"return {wrong}"))
    return [f"```python\n{code}```" for code in codes]


@dataclass(frozen=True)
class Study:
    """The result of a study and its events, read with nothing of ours."""

    url: str
    result: dict[str, Any]
    events: list[tuple[str, str, dict[str, Any]]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for found, _, body in self.events if found == kind]


def studied(
    sandbox: Sandbox,
    folder: Path,
    budget: Budget | None = None,
    tasks: Sequence[st.Task] = TASKS,
) -> Study:
    return asyncio.run(_study(sandbox, folder, budget, tasks))


async def _study(
    sandbox: Sandbox, folder: Path, budget: Budget | None, tasks: Sequence[st.Task]
) -> Study:
    path = folder / "store.db"
    journal = open_journal(f"sqlite:///{path}")
    executor = LocalExecutor(sandbox, candidates=2, outer=2, inner=4)
    async with executor.running():
        evaluator = Evaluator(executor, run_seed=7, instance_key=PUBLIC_KEY)
        context = RunContext(
            run_id="a-study",
            seed=7,
            limits=ImproverLimits(calls=2, samples_per_call=2, utility_uses=6, cpu_s=20.0),
            max_tokens=100,
            requesters=[Requester(Scripted("scripted:answers", answer), AdaptiveLimit(32))],
            executor=executor,
            evaluator=evaluator,
            journal=journal,
            ledger=Ledger(budget or Budget()),
        )
        settings = {
            **{"origin": "a-run", "took_part": ["one"], "improved": IMPROVED},
            "runs": {"test": RUNS},
        }
        config = make_config(TransferConfig, settings)
        asked = Asked(config, tasks, Program(SEED_IMPROVER, IMPROVER_ENTRY))
        try:
            result = await studied_with(context, asked)
        finally:
            await evaluator.aclose()
            await journal.aclose()
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT kind, key, body FROM events ORDER BY seq").fetchall()
    return Study(f"sqlite:///{path}", result, [(k, key, json.loads(b)) for k, key, b in rows])


def costly(name: str, top: float) -> st.Task:
    def cost(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        x, noise = int(rng.integers(0, 1 << 30)), float(rng.random()) / 8
        return noise + 0.2 * min(4, abs(program(x) - x - 3))

    return st.Task(name, SEED_PROGRAM, cost, (0.0, top), description="far", minimize=True)


def test_costs_are_shown_as_costs_and_what_is_saved_is_better(
    any_sandbox: Sandbox, tmp_path: Path
) -> None:
    tasks = costly("bounded", 9.0), costly("boundless", math.inf)
    study = studied(any_sandbox, tmp_path, tasks=tasks)
    for row, body in zip(study.result["tasks"], study.of("transfer"), strict=True):
        failed = {"bounded": 9.0, "boundless": math.inf}[row["task"]]
        costs = {
            arm: [failed if one is None else one for one in values]
            for arm, values in body["values"].items()
        }
        for arm, values in costs.items():
            mean = float(np.mean(values))
            assert row[arm]["mean"] == (pytest.approx(mean) if math.isfinite(mean) else None)
        saved = [
            0.0 if a == b else a - b
            for a, b in zip(costs["seed_improver"], costs["improved_improver"], strict=True)
        ]
        mean = math.fsum(saved) / RUNS
        said = row["vs_seed_improver"]["mean"]
        assert said == (pytest.approx(mean) if math.isfinite(mean) else None)
        assert row["minimize"]
    assert study.result["tasks"][0]["seed_program"]["mean"] > 0.6
    with open_reader(study.url) as reader:
        assert verify_store(reader, studies()).findings == ()


def test_a_page_of_costs_says_which_way_is_better_and_that_a_mean_failed() -> None:
    some, none = [-2.0] * 6, [-math.inf] * 6
    rows = transfer_rows([TransferredTask("cost", none, none, some, minimize=True)])
    facts = {"took_part": False, "samples": {}, "references": [], "minimize": True}
    failures = {"seed_program": 6, "seed_improver": 6, "improved_improver": 0}
    result = {
        **{"run_id": "r", "origin": "o", "runs": 6, "not_measured": []},
        **{"seed_improver_id": "s", "improved_improver_id": "i"},
        "tasks": [{**rows[0], **facts, "failures": failures}],
    }
    assert rows[0]["improved_improver"]["mean"] == 2.0
    assert rows[0]["vs_seed_improver"]["mean"] is None
    tables = transfer_tables(result)
    assert [table.rows[0][1].split("\n")[0] for table in tables] == ["failed", "failed"]
    assert tables[1].rows[0][-1] == "higher"
    notes = "\n".join(transfer_notes(result))
    assert "of the seed improver 6 of 6 runs came to no program" in notes
    assert "each costs the highest value" in notes
    assert "Costs, lower is better: cost." in notes
    section = transfer_section([result])
    drawn = drawn_figures(Page("Costs", (), (section,)))
    assert "of costs lower" in drawn["transfer"].svg


@pytest.fixture(scope="module")
def study(any_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Study:
    return studied(any_sandbox, tmp_path_factory.mktemp("transfer"))


def by_another_path(study: Study, name: str, improver: str, role: str) -> list[float]:
    """Values on test, a run: what the improver runs returned, best by search, and scored."""
    ends = {key: body for kind, key, body in study.events if kind == "invocation_end"}
    scores = {
        (body["task"], body["stream"], body["repeat"], body["program"]): body["value"] or 0.0
        for body in study.of("evaluation")
    }
    values = []
    for repeat in (f"transfer-{run}" for run in range(RUNS)):
        returned = [
            ends[key]["program"]
            for kind, key, body in study.events
            if kind == "invocation"
            and (body["task"], body["repeat"], body["role"]) == (name, repeat, role)
            and body["improver"] == improver
        ]
        assert returned, (name, repeat, role)
        found = [program for program in returned if program is not None]
        searched = [scores[name, "search", repeat, program] for program in found]
        best = found[int(np.argmax(searched))] if found else None
        values.append(0.0 if best is None else scores[name, "test", repeat, best])
    return values


def test_every_number_of_the_table_follows_from_the_journal(study: Study) -> None:
    ids = study.result["seed_improver_id"], study.result["improved_improver_id"]
    p_values = []
    for row in study.result["tasks"]:
        seed = by_another_path(study, row["task"], ids[0], "inner")
        improved = by_another_path(study, row["task"], ids[1], "inner")
        restarted = by_another_path(study, row["task"], ids[0], "restart")
        for values, said in (
            (seed, row["seed_improver"]),
            (improved, row["improved_improver"]),
            (restarted, row["seed_restarted"]),
            (np.subtract(improved, seed), row["vs_seed_improver"]),
            (np.subtract(improved, restarted), row["vs_seed_restarted"]),
        ):
            interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
            assert said["mean"] == pytest.approx(np.mean(values))
            assert said["ci95"] == pytest.approx([interval.low, interval.high])
            assert said["n"] == RUNS
        program = row["seed_program"]["mean"]
        for values, name in (
            *((seed, "seed_improver"), (improved, "improved_improver")),
            (restarted, "seed_restarted"),
        ):
            said = row["imp_at_k"][name]
            assert said["mean"] == pytest.approx(np.mean(values) - program)
            assert said["k"] == row["samples"][name] / RUNS
        flips = stats.permutation_test(
            (np.subtract(improved, seed),), np.sum, permutation_type="samples", n_resamples=np.inf
        )
        assert row["vs_seed_improver"]["p_value"] == pytest.approx(flips.pvalue)
        p_values.append(flips.pvalue)
    low, high = sorted(p_values)
    corrected = sorted(row["vs_seed_improver"]["p_holm"] for row in study.result["tasks"])
    assert corrected == pytest.approx([min(1, 2 * low), max(min(1, 2 * low), high)])
    assert len({row["vs_seed_improver"]["mean"] for row in study.result["tasks"]}) == 2


def test_the_improved_improver_is_better_where_its_wish_helps(study: Study) -> None:
    three, two = study.result["tasks"]
    assert three["vs_seed_improver"]["mean"] > 0
    assert three["samples"] == {
        "seed_improver": 2 * RUNS,
        "improved_improver": 4 * RUNS,
        "seed_restarted": 4 * RUNS,
    }
    assert two["task"] == "two"
    failed = three["failures"]
    assert failed["seed_program"] == 0
    assert failed["seed_improver"] == by_another_path(
        study, "three", study.result["seed_improver_id"], "inner"
    ).count(0.0)


def test_in_each_run_all_are_judged_on_the_same_instances_and_on_no_others(study: Study) -> None:
    ids = study.result["seed_improver_id"], study.result["improved_improver_id"]
    instances: dict[tuple[str, str, str], set[float]] = {}
    for body in study.of("evaluation"):
        if body["metrics"]:
            place = (body["task"], body["stream"], body["repeat"])
            instances.setdefault(place, set()).add(body["metrics"]["x"])
    assert all(len(found) == 1 for found in instances.values())
    wanted = {
        (name, stream, f"transfer-{run}")
        for name in ("three", "two")
        for stream in ("search", "test")
        for run in range(RUNS)
    }
    assert set(instances) == wanted
    assert len({next(iter(found)) for found in instances.values()}) == len(wanted)
    searched = [
        (body["improver"], body["task"], body["stream"], body["repeat"])
        for body in study.of("invocation")
        if body["role"] == "inner"
    ]
    for improver in ids:
        mine = {(name, stream, repeat) for i, name, stream, repeat in searched if i == improver}
        assert mine == {place for place in wanted if place[1] == "search"}
    assert len(searched) == 2 * 2 * RUNS


def test_the_store_verifies_and_a_changed_number_is_found(study: Study, tmp_path: Path) -> None:
    with open_reader(study.url) as reader:
        assert verify_store(reader, studies()).findings == ()
    damages = (
        ("transfer", lambda body: body["values"]["improved_improver"].reverse()),
        ("transfer", lambda body: body["samples"]["seed_improver"].__setitem__(0, 3)),
        ("transfer", lambda body: body["programs"]["seed_improver"].__setitem__(0, None)),
        ("transfer_restart", lambda body: body["values"]["seed_restarted"].__setitem__(1, 0.5)),
        ("result", lambda body: body["tasks"][0]["vs_seed_improver"].update(p_holm=0.001)),
        ("result", lambda body: body["tasks"][1]["failures"].update(seed_improver=9)),
        ("result", lambda body: body["tasks"].reverse()),
    )
    for number, (kind, damage) in enumerate(damages):
        path = tmp_path / f"{number}.db"
        path.write_bytes(Path(study.url.removeprefix("sqlite:///")).read_bytes())
        with sqlite3.connect(path) as database:
            query = "SELECT seq, body FROM events WHERE kind = ? ORDER BY seq LIMIT 1"
            seq, text = database.execute(query, (kind,)).fetchone()
            body = json.loads(text)
            damage(body)
            database.execute("UPDATE events SET body = ? WHERE seq = ?", (json.dumps(body), seq))
        with open_reader(f"sqlite:///{path}") as reader:
            assert verify_store(reader, studies()).findings, (kind, number)


# --- a budget that ends -------------------------------------------------------------------------

# The last call before a budget ends is shrunk to what is left, rather than refused.

A_TASK = 6 * RUNS  # samples: 2 of the seed improver, and 4 of the improved one, a run


@pytest.mark.parametrize(("more", "restarted"), [(3, False), (4 * RUNS, True)])
def test_a_budget_that_ends_leaves_whole_tasks_and_says_so(
    more: int, restarted: bool, study: Study, any_sandbox: Sandbox, tmp_path: Path
) -> None:
    whole = 2 if restarted else 1
    short = studied(any_sandbox, tmp_path, Budget(samples=whole * A_TASK + more))
    result = short.result
    assert result["state"] == "budget"
    assert result["not_measured"] == ([] if restarted else ["two"])
    assert [row["task"] for row in result["tasks"]] == ["three", "two"][:whole]
    for found, all_of_it in zip(result["tasks"], study.result["tasks"], strict=False):
        assert found["seed_improver"] == all_of_it["seed_improver"]
        assert found["improved_improver"] == all_of_it["improved_improver"]
    first = result["tasks"][0]
    assert (first["seed_restarted"] is not None) == restarted
    assert result["tasks"][-1]["seed_restarted"] is None
    # Corrected over the tasks that were measured.
    p = [row["vs_seed_improver"]["p_value"] for row in result["tasks"]]
    assert min(r["vs_seed_improver"]["p_holm"] for r in result["tasks"]) == whole * min(p)
    assert result["usage"]["samples"] <= whole * A_TASK + more
    with open_reader(short.url) as reader:
        assert verify_store(reader, studies()).findings == ()


def test_a_budget_that_ends_before_the_first_task_measures_nothing(
    any_sandbox: Sandbox, tmp_path: Path
) -> None:
    with pytest.raises(NothingMeasured, match="no task was measured"):
        studied(any_sandbox, tmp_path, Budget(samples=A_TASK - 4))
