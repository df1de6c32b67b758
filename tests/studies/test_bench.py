"""A bench: curves by hand, every number from the journal, and what budgets and guests can do."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from scipy import stats

import selftaught as st
from journal_support import event
from selftaught.analysis.recorded_run import RecordedRun, recorded
from selftaught.analysis.run_head import RunHead
from selftaught.app import core_thread
from selftaught.app.compose import replay_run, run_study
from selftaught.app.discovery import Installed
from selftaught.app.estimates import estimate_page, estimated
from selftaught.app.resume import find_run
from selftaught.core.budget import Usage
from selftaught.core.errors import ConfigError
from selftaught.core.independent_runs import runs_needed
from selftaught.core.ports import Sandbox
from selftaught.core.program import content_id
from selftaught.core.scale import Scale
from selftaught.engine.keys import make_key
from selftaught.journal.bench_events import BenchArm, BenchPoint
from selftaught.journal.codec import Event, as_json
from selftaught.journal.events import Run
from selftaught.journal.reader import open_reader
from selftaught.pages.blocks import Page
from selftaught.pages.figures import drawn_figures
from selftaught.pages.terminal import as_text
from selftaught.studies.bench.arms import arm_of
from selftaught.studies.bench.page import bench_section
from selftaught.studies.bench.results import _compared, area_under, value_at
from selftaught.studies.bench.study import study as bench
from selftaught.studies.improvers import improver_names
from selftaught.studies.registry import studies
from selftaught.studies.study import Asked, NothingMeasured
from selftaught.studies.verify import verify_store

# --- curves and sizes by hand -------------------------------------------------------------------


def test_the_area_is_the_mean_of_the_best_so_far_over_the_samples() -> None:
    steps = [(0, 1.0), (2, 3.0), (8, 7.0)]
    assert area_under(steps, 10) == pytest.approx((2 * 1 + 6 * 3 + 2 * 7) / 10)
    assert area_under(steps, 5) == pytest.approx((2 * 1 + 3 * 3) / 5)
    assert area_under([(0, 1.0), (10, math.inf)], 10) == 1.0  # what comes last has no width
    assert [value_at(steps, place) for place in (0, 1, 2, 7, 8, 99)] == [1, 1, 3, 3, 7, 7]


@pytest.mark.parametrize(("sd", "width"), [(0.03, 0.01), (0.2, 0.01), (1e-6, 0.5), (0.01, 0.0123)])
def test_as_many_seeds_are_needed_as_make_the_interval_narrow_enough(
    sd: float, width: float
) -> None:
    def half(n: int) -> float:
        return float(stats.t.ppf(0.975, n - 1)) * sd / math.sqrt(n)

    found = runs_needed(sd * sd, width)
    assert found is not None
    assert half(found) <= width
    assert found == 2 or half(found - 1) > width


# --- the best so far, of events made by hand ----------------------------------------------------

TOLD = {"name": "t", "version": "1", "lowest": 0.0, "highest": 1.0}
SEED = "the seed"


def trajectory(
    traces: Sequence[Mapping[str, Any]],
    replied: Sequence[Sequence[str]],
    worth: Mapping[str, float | None],
    **told: Any,
) -> BenchArm:
    """An arm of improver runs, by the texts that they scored and those that replies held."""
    root = make_key("run", 0)
    events: list[Event] = []
    texts = {
        content_id(text): text for text in {*worth, *(one for ones in replied for one in ones)}
    }

    for stream in ("search", "test"):
        u = make_key(root, "task", "t", "1", stream, "bench-3")
        for text, value in worth.items():
            found = value if stream == "search" or value is None else value + 100
            what = {"value": found, "kind": "raised" if found is None else "scored"}
            events.append(event("evaluation", what, make_key(u, content_id(text))))
    for number, (trace, held) in enumerate(zip(traces, replied, strict=True)):
        ids = [content_id(one) for one in held]
        events.append(event("replies", {"programs": ids, "whys": [""] * len(ids)}, f"r{number}"))
        scored = [None if one is None else content_id(one) for one in trace["programs"]]
        body = {**trace, "replies": [f"r{number}"], "programs": scored}
        events.append(event("search_trace", body, f"i{number}"))
    head = event("run", {"tasks": [{**TOLD, **told}]}).body
    assert isinstance(head, Run)
    run = RecordedRun(RunHead("run", head, head, None), events, texts.get)
    keys = tuple(f"i{number}" for number in range(len(traces)))
    start = (BenchPoint(0, 0, None, content_id(SEED), None, None),)
    return arm_of(run, BenchArm("t", "x", 3, keys, 0, 0, None, 0, start, (0.0, 1.0)))


def points(arm: BenchArm) -> list[tuple[int, int, float | None, float | None]]:
    return [(one.samples, one.scorings, one.usd, one.search) for one in arm.points]


def test_the_best_so_far_is_the_first_of_the_highest_that_a_reply_held() -> None:
    trace = {
        **{"samples": [2, 2], "usd": [0.5, 0.25], "after": [0, 1, 1, 1, 2, 2]},
        "programs": [SEED, "a", "b", "edited", "fails", "as good"],
    }
    worth = {SEED: 0.1, "a": 0.2, "b": 0.3, "edited": 0.9, "fails": None, "as good": 0.3}
    found = trajectory([trace], [["a", "b", "fails", "as good"]], worth)
    assert points(found) == [(0, 0, 0.0, 0.1), (1, 2, 0.5, 0.2), (2, 3, 0.5, 0.3)]
    assert [one.test for one in found.points] == [100.1, 100.2, 100.3]
    assert (found.samples, found.scorings, found.edited, found.usd) == (4, 6, 1, 0.75)


def test_a_program_counts_from_its_sample_on_whenever_it_is_scored() -> None:
    trace = {"samples": [2, 2], "usd": [0.5, 0.25], "after": [2, 2, 2], "programs": ["d", "b", "a"]}
    worth = {SEED: 0.1, "a": 0.2, "b": 0.3, "d": 0.4}
    found = trajectory([trace], [["a", "b", "c", "d"]], worth)
    assert points(found) == [
        (0, 0, 0.0, 0.1),
        (1, 3, 0.5, 0.2),
        (2, 2, 0.5, 0.3),
        (4, 1, 0.75, 0.4),
    ]


def test_what_a_guest_scores_before_any_reply_holds_it_is_its_own() -> None:
    trace = {"samples": [1, 1], "usd": None, "after": [1, 2], "programs": ["b", "a"]}
    found = trajectory([trace], [["a", "b"]], {SEED: 0.1, "a": 0.2, "b": 0.3})
    assert points(found) == [(0, 0, 0.0, 0.1), (1, 2, None, 0.2)]
    assert found.edited == 1


def test_restarts_count_on_and_may_use_what_earlier_replies_held() -> None:
    first = {"samples": [2], "usd": None, "after": [1], "programs": ["a"]}
    second = {"samples": [3], "usd": None, "after": [0, 1, 1], "programs": ["b ", None, "c"]}
    worth = {SEED: 0.1, "a": 0.2, "b ": 0.3, "c": 0.4}
    found = trajectory([first, second], [["a", "\nb"], ["c"]], worth)
    assert points(found) == [
        (0, 0, 0.0, 0.1),
        (1, 1, None, 0.2),
        (2, 2, None, 0.3),
        (3, 4, None, 0.4),
    ]
    assert (found.samples, found.scorings, found.edited, found.usd) == (5, 4, 0, None)


def test_of_costs_the_best_is_the_lowest_and_a_seed_that_fails_is_the_worst() -> None:
    trace = {"samples": [3], "usd": [0.0], "after": [1, 1, 1], "programs": ["a", "b", "c"]}
    worth = {SEED: None, "a": 5.0, "b": 3.0, "c": 4.0}
    found = trajectory([trace], [["a", "b", "c"]], worth, minimize=True, lowest=None, highest=None)
    assert points(found) == [(0, 0, 0.0, None), (1, 1, 0.0, 5.0), (2, 2, 0.0, 3.0)]


# --- a whole bench ------------------------------------------------------------------------------

SEED_PROGRAM = "def algorithm(x):\n    return x\n"
SEEDS, COUNTS = 4, [4, 7]
ASKING = '''\
"""Ask, score what came, and return the best; again, while calls are left."""
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    best, value = initial_solution, utility(initial_solution)
    while language_model.times_used < CALLS:
        for text in extract_code(language_model.prompt("e", "WISH\\n" + best, n_responses=2)):
            if text and (found := utility(text)) > value:
                best, value = text, found
    return best
'''
IMPROVERS = {
    "plain.py": ASKING.replace("WISH", "Improve:").replace("CALLS", "language_model.budget"),
    "polite.py": ASKING.replace("WISH", "Please improve:").replace("CALLS", "1"),
    "editor.py": '''\
def improve_algorithm(initial_solution, utility, language_model):
    """Never needs the model: asks, and scores programs of its own."""
    language_model.prompt("e", "Improve:\\n" + initial_solution, n_responses=1)
    own = initial_solution.replace("return x", "return x + 3")
    return own if utility(own) > utility(initial_solution) else initial_solution
''',
}


def shifted(name: str, *, cost: bool = False) -> st.Task:
    def nearness(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        x, noise = int(rng.integers(0, 1 << 30)), float(rng.random()) / 8
        miss = min(4, abs(program(x) - x - 3))
        return noise + miss if cost else 1.0 - noise - 0.2 * miss

    top = math.inf if cost else 1.0
    return st.Task(name, SEED_PROGRAM, nearness, (0.0, top), description="x + 3", minimize=cost)


TASKS = [shifted("value"), shifted("cost", cost=True)]


def answer(prompt: Any) -> Sequence[str]:
    """Shifts by chance, to which a polite wish adds; one in six answers fails."""
    polite, codes = prompt.user.startswith("Please"), []
    for seed in prompt.seeds[: prompt.n]:
        wrong = "1 / 0" if seed % 6 == 5 else f"x + {seed % 3 + polite}"
        codes.append(SEED_PROGRAM.replace("return x", f"return {wrong}"))
    return [f"```python\n{code}```" for code in codes]


@dataclass(frozen=True)
class Bench:
    """The result of a bench and its events, read with nothing of ours."""

    url: str
    result: dict[str, Any]
    events: list[tuple[str, str, dict[str, Any]]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for found, _, body in self.events if found == kind]


def asked_for(folder: Path, **given: Any) -> Asked[Any]:
    for name, source in IMPROVERS.items():
        (folder / name).write_text(source)
    settings = {
        **{"store": f"sqlite:///{folder / 'store.db'}", "instance_key": "public"},
        **{"improvers": [str(folder / name) for name in IMPROVERS], "samples": COUNTS},
        **{"seeds": SEEDS, "model": "callable:answer", "limits": {"samples_per_call": 2}},
        **{"price_in": 1.0, "price_out": 4.0, "max_tokens": 100, "tasks": []},
    }
    asked = bench.asked({**settings, **given}, Installed())
    return Asked(asked.config, TASKS, asked.improver, answer, others=asked.others)


def run_bench(folder: Path, **given: Any) -> Bench:
    result = core_thread.run(run_study(asked_for(folder, **given)))
    path = folder / "store.db"
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT kind, key, body FROM events ORDER BY seq").fetchall()
    return Bench(f"sqlite:///{path}", result, [(k, key, json.loads(b)) for k, key, b in rows])


@pytest.fixture(scope="module")
def whole(any_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return run_bench(tmp_path_factory.mktemp("bench"))


def areas(found: Bench, task: str, name: str, *, normalised: bool) -> list[float]:
    """By another path: the value after each sample, one by one."""
    ids = {one["name"]: one["improver_id"] for one in found.result["improvers"]}
    values = []
    for arm in sorted(found.of("bench_arm"), key=lambda arm: int(arm["index"])):
        if (arm["task"], arm["improver"]) != (task, ids[name]):
            continue
        worst = math.inf if task == "cost" else 0.0
        scale = Scale(worst, 0.0 if task == "cost" else 1.0, arm.get("seed_value"))
        curve = []
        for samples in range(COUNTS[-1]):
            test = [one["test"] for one in arm["points"] if one["samples"] <= samples][-1]
            test = worst if test is None else test
            curve.append(scale.share(test) if normalised else test)
        values.append(float(np.mean(curve)))
    assert len(values) == SEEDS
    return values


def test_every_number_follows_from_the_arms(whole: Bench) -> None:
    result = whole.result
    names = [one["name"] for one in result["improvers"]]
    for task in result["tasks"]:
        for row in task["improvers"]:
            own = areas(whole, task["task"], row["improver"], normalised=False)
            assert row["area"]["mean"] == pytest.approx(np.mean(own))
            shares = areas(whole, task["task"], row["improver"], normalised=True)
            assert row["normalised"]["mean"] == pytest.approx(np.mean(shares))
            assert row["best"][-1]["samples"] == COUNTS[-1]
        assert task["usd"] > 0
    p_values: dict[tuple[str | None, str], float] = {
        (None, one["improver"]): one["p_value"] for one in result["comparisons"] if not one["task"]
    }
    for name in names[1:]:
        for task_name in ("value", "cost"):
            first, second = (
                np.array(areas(whole, task_name, one, normalised=True)) for one in (name, names[0])
            )
            test = stats.ttest_rel(first, second)
            p_values[task_name, name] = float(test.pvalue)
            (said,) = (
                one
                for one in result["comparisons"]
                if (one["task"], one["improver"]) == (task_name, name)
            )
            assert said["mean"] == pytest.approx(np.mean(first - second))
            assert said["sd"] == pytest.approx(np.std(first - second, ddof=1))
            assert said["p_value"] == pytest.approx(test.pvalue)
            assert said["ci95"] == pytest.approx(tuple(test.confidence_interval(0.95)))
    ranked = sorted(p_values, key=lambda key: p_values[key])
    stepped = [(len(ranked) - rank) * p_values[key] for rank, key in enumerate(ranked)]
    corrected = {key: min(1.0, max(stepped[: rank + 1])) for rank, key in enumerate(ranked)}
    for one in result["comparisons"]:
        assert one["p_holm"] == pytest.approx(corrected[one["task"], one["improver"]])
        assert (one["verdict"] == "no difference shown") == (one["p_holm"] >= 0.05)
    over_all = [one for one in result["comparisons"] if one["task"] is None]
    assert [one["improver"] for one in over_all] == names[1:]
    assert over_all[0]["n"] == 2 * SEEDS


def test_arms_are_equal_in_samples_and_search_on_the_same_instances(whole: Bench) -> None:
    arms = whole.of("bench_arm")
    assert len(arms) == 2 * 3 * SEEDS
    assert {arm["samples"] for arm in arms} == {COUNTS[-1]} or all(
        arm["scorings"] == COUNTS[-1] + 1 for arm in arms if arm["samples"] < COUNTS[-1]
    )
    assert all(arm["scorings"] <= COUNTS[-1] + 1 for arm in arms)
    starts = {(a["task"], a["index"], json.dumps(a["points"][0])) for a in arms}
    assert len(starts) == 2 * SEEDS
    streams = {(one["stream"], one["repeat"]) for one in whole.of("evaluation")}
    wanted = {(stream, f"bench-{i}") for stream in ("search", "test") for i in range(SEEDS)}
    assert streams == wanted | {("search", "scale")}


def test_a_guest_that_edits_programs_itself_is_told_apart(whole: Bench) -> None:
    _, _, editor = whole.result["improvers"]
    for arm in whole.of("bench_arm"):
        assert (arm["edited"] > 0) == (arm["improver"] == editor["improver_id"])
        if arm["edited"]:
            assert len(arm["points"]) == 1  # the seed program stays the best
    shown = as_text(Page("", (), (bench_section([whole.result]),)))
    assert "50.0% of all: it edits them itself" in shown
    assert drawn_figures(Page("", (), (bench_section([whole.result]),)))["bench"].svg


def test_the_store_verifies_and_a_replay_comes_to_the_same(whole: Bench) -> None:
    with open_reader(whole.url) as reader:
        assert verify_store(reader, studies()).findings == ()
    stored = find_run(whole.url, "latest", everything=True)
    told = core_thread.run(replay_run(stored, TASKS, rescore=True))
    assert (told["differences"], told["diverged"]) == ([], [])
    assert told["events"]["bench_arm"] == 2 * 3 * SEEDS


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("bench_arm", lambda body: body.update(samples=3)),
        ("bench_arm", lambda body: body.update(edited=9)),
        ("bench_arm", lambda body: body["points"][0].update(test=0.75)),
        ("bench_arm", lambda body: body["points"][-1].update(samples=1)),
        ("bench_arm", lambda body: body["runs"].pop()),
        ("bench_arm", lambda body: body.update(index=2)),
        ("search_trace", lambda body: body["after"].reverse()),
        ("search_trace", lambda body: body["samples"].append(1)),
        ("result", lambda body: body["tasks"][0]["improvers"][1]["area"].update(mean=0.5)),
        ("result", lambda body: body["comparisons"][0].update(p_holm=0.001)),
    ],
)
def test_a_changed_number_is_found(
    kind: str, damage: Callable[[Any], None], whole: Bench, tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(Path(whole.url.removeprefix("sqlite:///")).read_bytes())
    with sqlite3.connect(path) as database:
        query = "SELECT seq, body FROM events WHERE kind = ? ORDER BY length(body) DESC LIMIT 1"
        seq, text = database.execute(query, (kind,)).fetchone()
        body = json.loads(text)
        damage(body)
        database.execute("UPDATE events SET body = ? WHERE seq = ?", (json.dumps(body), seq))
    with open_reader(f"sqlite:///{path}") as reader:
        assert verify_store(reader, studies()).findings


def samples_of(whole: Bench, index: int) -> int:
    return sum(arm["samples"] for arm in whole.of("bench_arm") if arm["index"] == index)


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_budget_that_ends_leaves_whole_seeds(seeds: int, whole: Bench, tmp_path: Path) -> None:
    spent = sum(samples_of(whole, index) for index in range(seeds))
    short = run_bench(tmp_path, budget={"samples": spent + 5})
    result = short.result
    assert (result["state"], result["seeds"], result["seeds_asked"]) == ("budget", seeds, SEEDS)
    mine = {one["improver"]: one for one in whole.of("bench_arm")}
    assert mine.keys() == {one["improver"] for one in short.of("bench_arm")}
    places = {(one["task"], one["improver"], one["index"]): one for one in whole.of("bench_arm")}
    for arm in short.of("bench_arm"):
        if arm["index"] < seeds:
            assert arm == places[arm["task"], arm["improver"], arm["index"]]
    assert all(one["n"] in (seeds, 2 * seeds) for one in result["comparisons"])
    shown = as_text(Page("", (), (bench_section([result]),)))
    assert f"of 4 seeds {seeds} were measured" in shown
    assert ("[no interval]" in shown) == (seeds == 1)
    assert "[failed" not in shown
    with open_reader(short.url) as reader:
        assert verify_store(reader, studies()).findings == ()


def test_a_budget_that_ends_within_the_first_seed_measures_nothing(
    whole: Bench, tmp_path: Path
) -> None:
    with pytest.raises(NothingMeasured, match="no seed was measured"):
        run_bench(tmp_path, budget={"samples": samples_of(whole, 0) - 1})


def test_an_estimate_tells_samples_and_seeds_by_earlier_benches(
    whole: Bench, tmp_path: Path
) -> None:
    store = {"store": whole.url, "width": 0.02}
    size = bench.more(asked_for(tmp_path, **store))["size"]
    widest = max(whole.result["comparisons"], key=lambda one: float(one["sd"]))
    assert widest["task"] is not None
    # Improvers are alike by their programs, not by their files.
    assert size["seeds"] == runs_needed(widest["sd"] ** 2, 0.02) > 2
    assert f"{widest['improver']} - " in size["said"]
    assert f"on {widest['task']}, over the seeds of run " in size["said"]
    found = core_thread.run(estimated(asked_for(tmp_path, **store, model="local:mutator")))
    assert found["size"]["seeds"] is None
    assert "no earlier bench" in as_text(estimate_page(found)).replace("\n", " ")
    likely = [step["likely"]["samples"] for step in found["steps"]]
    assert likely == [2 * SEEDS * COUNTS[-1]] * 3
    # At most each sample is drawn in a call of its own.
    assert found["most"]["samples"] == found["most"]["lm_calls"] == sum(likely)
    shown = " ".join(as_text(estimate_page(found)).split())
    assert "Likely: every improver does what it does in a rehearsal" in shown


def test_all_shipped_improvers_draw_the_same_samples_one_at_a_time_or_several(
    any_sandbox: Sandbox, tmp_path: Path
) -> None:
    names = improver_names()
    given = {"improvers": names, "samples": [12], "seeds": 2, "limits": {"samples_per_call": 6}}
    found = run_bench(tmp_path, **given)
    drawn = {
        (row["improver"], task["task"]): row["samples"]
        for task in found.result["tasks"]
        for row in task["improvers"]
    }
    assert drawn == {(name, task.name): 12 for name in names for task in TASKS}
    assert {end["outcome"] for end in found.of("invocation_end")} == {"returned"}


def test_an_arm_that_leaves_out_improver_runs_is_found(whole: Bench, tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(Path(whole.url.removeprefix("sqlite:///")).read_bytes())
    with open_reader(f"sqlite:///{path}") as reader:
        run = recorded(reader, whole.result["run_id"])
        arms = [one for one in run.events if isinstance(one.body, BenchArm)]
        longest = max(arms, key=lambda one: len(one.body.runs))  # type: ignore[union-attr]
        assert isinstance(longest.body, BenchArm)
        begun = longest.body.runs
        assert len(begun) > 2
        # All else follows from the runs that are left.
        fewer = [
            as_json(arm_of(run, replace(longest.body, runs=ones)))
            for ones in (begun[:-1], begun[1:], begun[::-1])
        ]
    for body in fewer:
        with sqlite3.connect(path) as database:
            query = "UPDATE events SET body = ? WHERE kind = 'bench_arm' AND key = ?"
            database.execute(query, (json.dumps(body), longest.key))
        with open_reader(f"sqlite:///{path}") as reader:
            said = [one.what for one in verify_store(reader, studies()).findings]
        assert any(f"those begun {', '.join(begun)}" in one for one in said)


def test_an_area_over_usd_is_said_to_describe(whole: Bench) -> None:
    shown = as_text(Page("", (), (bench_section([whole.result]),))).replace("\n", " ")
    assert "no difference of it is tested" in " ".join(shown.split())


def test_differences_that_are_all_the_same_have_no_interval(whole: Bench) -> None:
    arms = {name: [0.5, 0.6, 0.7] for name in ("a", "b")}
    arms["b"] = [value + 0.1 for value in arms["a"]]
    found = _compared({"t": arms["b"]}, {"t": arms["a"]})
    assert (found["ci95"], found["p_value"], found["n"]) == (None, 0.25, 3)
    comparison = {**found, "task": "value", "improver": "b", "p_holm": 1.0, "verdict": "none"}
    result = {**whole.result, "comparisons": [comparison], "seeds": 3}
    assert "[all the same]" in as_text(Page("", (), (bench_section([result]),)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"improver": "greedy"}, "improver of a bench is"),
        ({"limits": {"calls": 3}}, "limits.calls of a bench is 7, not 3: leave it out"),
        ({"limits": {"utility_uses": 25}}, "limits.utility_uses of a bench is 8, not 25"),
    ],
)
def test_a_file_that_says_another_thing_than_what_follows_is_refused(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        asked_for(tmp_path, **given)
    follows = {"calls": COUNTS[-1], "utility_uses": COUNTS[-1] + 1, "cpu_s": 9.0}
    assert asked_for(tmp_path, limits=follows).config.limits.cpu_s == 9.0


def test_improvers_that_are_the_same_program_are_refused(tmp_path: Path) -> None:
    copy = tmp_path / "copy.py"
    copy.write_text(IMPROVERS["plain.py"])
    with pytest.raises(ConfigError, match="are the same program"):
        asked_for(tmp_path, improvers=[str(tmp_path / "plain.py"), str(copy)])


def test_what_a_report_keeps_of_a_bench_needs_no_files(tmp_path: Path) -> None:
    asked = asked_for(tmp_path)
    for name in IMPROVERS:
        (tmp_path / name).unlink()
    kept = {"improvers": asked.config.improvers, "programs": asked.config.programs}
    assert bench.asked(kept, Installed()).config.programs == asked.config.programs


def test_usage_of_a_bench_is_that_of_its_arms(whole: Bench) -> None:
    drawn = sum(arm["samples"] for arm in whole.of("bench_arm"))
    paid = sum(arm["usd"] for arm in whole.of("bench_arm"))
    usage = Usage(**whole.result["usage"])
    assert (usage.samples, usage.usd) == (drawn, pytest.approx(paid))
