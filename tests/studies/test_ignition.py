"""Do later improvers make better improvers? Improvers of known levels, and every number again."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from selftaught.app import core_thread
from selftaught.app.compose import replay_run, run_study
from selftaught.app.discovery import Installed
from selftaught.app.estimates import estimate_page, estimated
from selftaught.app.resume import find_run
from selftaught.core.errors import ConfigError
from selftaught.core.ports import Sandbox
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.journal.reader import open_reader
from selftaught.pages.blocks import Page
from selftaught.pages.figures import drawn_figures
from selftaught.pages.terminal import as_text
from selftaught.studies.ignition.page import ignition_section
from selftaught.studies.ignition.results import _verdict
from selftaught.studies.ignition.study import study as ignition
from selftaught.studies.registry import studies
from selftaught.studies.settings import make_config
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked, NothingMeasured
from selftaught.studies.verify import verify_store

LINEAGES, CHILDREN, SAMPLES, TEST_RUNS = 5, 2, 4, 2
IMPROVER = '''\
"""Ask at level 0."""
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    texts = language_model.prompt("expert", "Improve 0:\\n" + initial_solution, n_responses=5)
    return max([initial_solution, *filter(None, extract_code(texts))], key=utility)
'''
SEED_PROGRAM = "def algorithm(x):\n    return x\n"
TASK = '''\
import selftaught as st


def utility(program, rng):
    """Near x + 3 is better."""
    x = int(rng.integers(0, 1000))
    return 0.9 - 0.2 * min(4, abs(program(x) - x - 3)) + float(rng.random()) / 16


task = st.Task("NAME", "def algorithm(x):\\n    return x\\n", utility, (0.0, 1.0))
'''


def at(level: int, number: int) -> str:
    text = IMPROVER.replace("level 0", f"level {level}").replace("e 0:", f"e {level}:")
    return f"{text}# {number}\n"


def answer(prompt: Any) -> Sequence[str]:
    """What an improver of level L is answered adds L, and lifts improvers by 0 or by 1 + L."""
    level = int(prompt.user.removeprefix("Improve ")[0])
    shown = prompt.user.partition("\n")[2]
    codes = []
    for seed in prompt.seeds[: prompt.n]:
        if "improve_algorithm" in shown:
            of = int(shown.partition("level ")[2][0])
            new = min(3, of + seed % 2 * (1 + level))
            code = shown.replace(f"level {of}", f"level {new}").replace(f"e {of}:", f"e {new}:")
        else:
            code = SEED_PROGRAM.replace("return x", f"return x + {level}")
        codes.append(f"```python\n{code}```")
    return codes


@dataclass(frozen=True)
class Studied:
    """The result of a study and its events, read with nothing of ours."""

    url: str
    result: dict[str, Any]
    events: list[tuple[str, str, dict[str, Any]]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for found, _, body in self.events if found == kind]


def asked_for(folder: Path, *origins: str, **given: Any) -> Asked[Any]:
    for name in ("near", "far"):
        (folder / f"{name}.py").write_text(TASK.replace("NAME", name))
    pairs = []
    for number in range(LINEAGES):
        early, late = (folder / f"{stage}_{number}.py" for stage in ("early", "late"))
        early.write_text(at(0, number))
        late.write_text(at(2, number))
        pairs.append(f"{early},{late}")
    (folder / "incumbent.py").write_text(at(0, 99))
    runs = {"search": 1, "test": TEST_RUNS}
    settings = {
        **{"store": f"sqlite:///{folder / 'store.db'}", "instance_key": "public"},
        **{"origins": origins or pairs, "model": "callable:answer", "children": CHILDREN},
        **{"other_tasks": [str(folder / "far.py")], "runs": runs, "samples": SAMPLES},
        **{"incumbent": str(folder / "incumbent.py"), "max_tokens": 100},
        **({} if origins else {"tasks": [str(folder / "near.py")]}),
        "limits": {"calls": 2, "samples_per_call": 2, "utility_uses": 6},
    }
    asked = ignition.asked({**settings, **given}, Installed())
    return replace(asked, function=answer)


def studied(asked: Asked[Any]) -> Studied:
    result = core_thread.run(run_study(asked))
    path = asked.config.store.removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "SELECT kind, key, body FROM events WHERE run_id = ? ORDER BY seq", (result["run_id"],)
        ).fetchall()
    return Studied(asked.config.store, result, [(k, key, json.loads(b)) for k, key, b in rows])


@pytest.fixture(scope="module")
def whole(any_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Studied:
    return studied(asked_for(tmp_path_factory.mktemp("ignition"), tier=any_sandbox.tier))


def test_a_gain_that_is_there_is_shown_on_both_kinds_of_tasks(whole: Studied) -> None:
    for group in whole.result["groups"].values():
        assert group["verdict"] == "shown"
        assert group["late_minus_early"]["n"] == LINEAGES
        assert group["late_minus_early"]["mean"] > 0.1
    shown = as_text(Page("", (), (ignition_section([whole.result]),)))
    assert "shown: later improvers make better improvers" in " ".join(shown.split())
    assert drawn_figures(Page("", (), (ignition_section([whole.result]),)))["ignition"].svg


def test_every_number_follows_from_the_children_and_the_unit_is_the_run(whole: Studied) -> None:
    children = whole.of("ignition_child")
    assert len(children) == LINEAGES * 2 * CHILDREN
    means: dict[tuple[int, str], dict[str, float]] = defaultdict(dict)
    for task in ("near", "far"):
        for one in children:
            own = [
                c
                for c in children
                if (c["lineage"], c["improver"]) == (one["lineage"], one["improver"])
            ]
            mean = float(np.mean([value for child in own for value in child["values"][task]]))
            means[one["lineage"], one["improver"]][task] = mean
    for group, task in (("took_part", "near"), ("others", "far")):
        told = whole.result["groups"][group]
        assert told["tasks"] == [task]
        differences = []
        for place, lineage in enumerate(whole.result["lineages"]):
            late, early = (lineage[stage]["improver_id"] for stage in ("late", "early"))
            assert lineage["late"][group] == pytest.approx(means[place, late][task])
            differences.append(means[place, late][task] - means[place, early][task])
        assert told["late_minus_early"]["runs"] == pytest.approx(differences)
        assert told["late_minus_early"]["mean"] == pytest.approx(np.mean(differences))
        interval = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
        assert told["late_minus_early"]["ci95"] == pytest.approx(tuple(interval))
        assert told["middle_minus_early"]["mean"] == 0.0, "without a middle it is the early one"


def test_all_have_the_same_samples_and_the_thrifty_are_started_again(whole: Studied) -> None:
    for child in whole.of("ignition_child"):
        assert child["samples"] == SAMPLES
        assert child["scorings"] <= SAMPLES + 1
        assert len(child["runs"]) == 2


def test_children_of_a_lineage_share_instances_that_no_other_lineage_has(whole: Studied) -> None:
    hidden = {
        (one["task"], one["repeat"]) for one in whole.of("evaluation") if one["stream"] == "test"
    }
    assert hidden == {
        (task, f"test-ignition-{lineage}-{run}")
        for task in ("near", "far")
        for lineage in range(LINEAGES)
        for run in range(TEST_RUNS)
    }
    searched = {
        one["repeat"]
        for one in whole.of("invocation")
        if (one["role"], one["task"]) == ("inner", "near") and "search-" in one["repeat"]
    }
    assert searched == {
        f"search-ignition-{lineage}-{child}-0"
        for lineage in range(LINEAGES)
        for child in range(CHILDREN)
    }


def test_a_program_is_measured_once_on_the_same_instances_whoever_made_it(whole: Studied) -> None:
    begun = Counter(
        (one["improver"], one["task"], one["repeat"])
        for one in whole.of("invocation")
        if one["role"] == "inner"
    )
    assert set(begun.values()) == {1}


def test_the_store_verifies_and_a_replay_comes_to_the_same(whole: Studied) -> None:
    with open_reader(whole.url) as reader:
        assert verify_store(reader, studies()).findings == ()
    stored = find_run(whole.url, "latest", everything=True)
    tasks = [Installed().task(name) for name in stored.config.task_names]
    told = core_thread.run(replay_run(stored, tasks, rescore=False))
    assert (told["differences"], told["diverged"]) == ([], [])
    assert told["events"]["ignition_child"] == LINEAGES * 2 * CHILDREN


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("ignition_child", lambda body: body.update(samples=3)),
        ("ignition_child", lambda body: body.update(search=0.5)),
        ("ignition_child", lambda body: body.update(program=None)),
        ("ignition_child", lambda body: body["values"]["far"].__setitem__(0, 0.5)),
        ("ignition_child", lambda body: body["runs"].pop()),
        ("ignition_child", lambda body: body.update(child=9)),
        ("result", lambda body: body["groups"]["others"].update(verdict="absent")),
    ],
)
def test_a_changed_number_is_found(
    kind: str, damage: Callable[[Any], None], whole: Studied, tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(Path(whole.url.removeprefix("sqlite:///")).read_bytes())
    with sqlite3.connect(path) as database:
        query = "SELECT seq, body FROM events WHERE kind = ? LIMIT 1"
        seq, text = database.execute(query, (kind,)).fetchone()
        body = json.loads(text)
        damage(body)
        database.execute("UPDATE events SET body = ? WHERE seq = ?", (json.dumps(body), seq))
    with open_reader(f"sqlite:///{path}") as reader:
        assert verify_store(reader, studies()).findings


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_study_that_was_cut_goes_on_to_the_same_end(
    share: float, whole: Studied, tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(Path(whole.url.removeprefix("sqlite:///")).read_bytes())
    with sqlite3.connect(path) as database:
        cut = round(share * len(whole.events))
        query = (
            "DELETE FROM events WHERE seq > (SELECT seq FROM events ORDER BY seq LIMIT 1 OFFSET ?)"
        )
        database.execute(query, (cut,))
    stored = find_run(f"sqlite:///{path}", "latest")
    tasks = [Installed().task(name) for name in stored.config.task_names]
    config = replace(stored.config, store=f"sqlite:///{path}")
    again = Asked(config, tasks, stored.improver, answer)
    result = core_thread.run(run_study(again, resumed=stored))
    for name in ("groups", "lineages"):
        assert result[name] == whole.result[name]
    with open_reader(f"sqlite:///{path}") as reader:
        (verified,) = verify_store(reader, studies()).runs
    assert verified.findings == ()


def test_a_budget_that_ends_leaves_whole_lineages(whole: Studied, tmp_path: Path) -> None:
    spent = int(whole.result["usage"]["samples"])
    short = studied(asked_for(tmp_path, budget={"samples": spent // 2}))
    count = len(short.result["lineages"])
    assert short.result["state"] == "budget"
    assert 0 < count < short.result["lineages_asked"] == LINEAGES
    for mine, one in zip(short.result["lineages"], whole.result["lineages"], strict=False):
        assert {**mine, "name": ""} == {**one, "name": ""}
    assert short.result["groups"]["took_part"]["verdict"] == "not shown"
    shown = " ".join(as_text(Page("", (), (ignition_section([short.result]),))).split())
    assert f"of 5 runs {count} were measured whole" in shown
    with pytest.raises(NothingMeasured, match="no lineage was measured"):
        studied(asked_for(tmp_path, budget={"samples": 5}))


@pytest.mark.parametrize(
    ("low", "high", "n", "verdict", "said"),
    [
        (0.001, 0.05, 9, "shown", "later improvers make better improvers"),
        (0.001, 0.015, 9, "shown", "better improvers, by less than 0.02"),
        (-0.05, 0.015, 9, "absent", "a gain of 0.02 or more is excluded"),
        (-0.05, -0.01, 9, "absent", "they make worse ones"),
        (-0.05, 0.02, 9, "not shown", "the interval holds 0 and a gain of 0.02"),
        (0.001, 0.05, 4, "not shown", "fewer than 5 runs nothing is"),
    ],
)
def test_the_verdict_follows_from_the_interval_and_the_margin(
    low: float, high: float, n: int, verdict: str, said: str
) -> None:
    found = _verdict({"ci95": (low, high), "n": n}, 0.02)
    assert found["verdict"] == verdict
    assert said in found["said"]


def test_runs_that_do_not_differ_show_nothing() -> None:
    assert _verdict({"ci95": None, "n": 9}, 0.02)["verdict"] == "not shown"


def stop_run(folder: Path, seed: int) -> Mapping[str, Any]:
    settings = {
        **{"store": f"sqlite:///{folder / 'store.db'}", "instance_key": "public", "seed": seed},
        **{"tasks": [str(folder / "near.py")], "model": "callable:answer", "iterations": 2},
        **{"runs": {"search": 1, "val": 2, "test": 2}, "max_tokens": 100},
        "limits": {"calls": 2, "samples_per_call": 2, "utility_uses": 6},
    }
    config = make_config(RunConfig, settings)
    tasks = [Installed().task(name) for name in config.tasks]
    improver = Program(at(0, 0), IMPROVER_ENTRY)
    return core_thread.run(run_study(Asked(config, tasks, improver, answer)))


def test_runs_tell_their_early_middle_and_late_improvers_and_their_settings(
    tmp_path: Path,
) -> None:
    asked_for(tmp_path)  # writes the tasks
    runs = [stop_run(tmp_path, seed) for seed in (3, 4)]
    asked = asked_for(tmp_path, *(run["run_id"] for run in runs))
    for lineage, run in zip(asked.config.lineages, runs, strict=True):
        stages = [step["improver_id"] for step in run["iterations"]]
        assert [lineage.early, lineage.middle, lineage.late] == stages
    assert asked.config.took_part == ("near",)
    assert [task.name for task in asked.tasks] == ["near", "far"]
    assert asked.config.limits.calls == 2
    found = core_thread.run(
        estimated(replace(asked, config=replace(asked.config, model="local:mutator")))
    )
    assert [step["name"] for step in found["steps"]] == [run["run_id"] for run in runs]
    assert "no earlier study" in as_text(estimate_page(found)).replace("\n", " ")
    studied(asked)
    size = ignition.more(asked)["size"]
    assert size["sd"] is None or size["needed"] > 1
    same = stop_run(tmp_path, 3)["run_id"]
    with pytest.raises(ConfigError, match="have the same seed 3: they are not independent"):
        asked_for(tmp_path, runs[0]["run_id"], same)


@pytest.mark.parametrize(
    ("origins", "given", "said"),
    [
        (("a.py,",), {}, "must be EARLY,LATE or EARLY,MIDDLE,LATE"),
        (("seed,greedy",), {"other_tasks": ["descent"]}, "descent took part in the runs"),
        (("seed,seed",), {"children": 0}, "children"),
        (("seed,greedy", "seed, greedy"), {}, "not independent"),
    ],
)
def test_what_is_wrong_is_said(
    origins: tuple[str, ...], given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        asked_for(tmp_path, *origins, **given)
    with pytest.raises(ConfigError, match="give RUNs"):
        ignition.asked({}, Installed())
