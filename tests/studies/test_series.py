"""Repeated STOP runs: independent, tied together, one budget; and baselines at equal samples."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import selftaught as st
from selftaught.analysis.run_head import RunHead, read_head
from selftaught.analysis.series import recorded_series, series_runs
from selftaught.app import core_thread
from selftaught.app.compose import replay_run
from selftaught.app.estimates import estimate_page, estimated
from selftaught.app.pages import study_page
from selftaught.app.reproduce import run_or_go_on
from selftaught.app.resume import find_run
from selftaught.core.errors import ConfigError
from selftaught.core.independent_runs import half_width
from selftaught.core.program import content_id
from selftaught.core.progress import silent
from selftaught.core.statistics import UNIT, Bounds, estimate, paired_difference
from selftaught.journal.reader import open_reader
from selftaught.journal.run_lock import hold_run
from selftaught.journal.study_events import Baseline
from selftaught.pages import words
from selftaught.pages.terminal import as_text
from selftaught.studies.bookkeeping import NothingMeasured
from selftaught.studies.improvers import load_improver
from selftaught.studies.registry import studies
from selftaught.studies.settings import make_config
from selftaught.studies.stop.baselines import SHIPPED
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked
from selftaught.studies.verify import verify_store

Json = dict[str, Any]

RUNS = {"search": 1, "val": 2, "test": 2}
TWO_CALLS = '''\
"""Ask twice, take the best."""
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    texts = []
    for _ in range(2):
        texts += language_model.prompt("expert", initial_solution, n_responses=4)
    return max([initial_solution, *filter(None, extract_code(texts))], key=utility)
'''


def numbered(number: int) -> str:
    return f"def algorithm():\n    return {number}\n"


def noisy(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """What the program with this number is worth, and luck, which is another each time."""
    return (program() + float(rng.uniform(0, 4))) / 10


TASK = st.Task("noisy", numbered(0), noisy, range=(0.0, 1.5), description="numbers")


def stop(folder: Path, store: str = "store.db", **how: Any) -> st.SelfImproveResult:
    """A small run of a model that knows four programs and an improver."""
    texts = [*map(numbered, (1, 2, 4, 6)), TWO_CALLS, TWO_CALLS]
    path = folder / "texts.json"
    path.write_text(json.dumps([f"```python\n{text}```" for text in texts]))
    how = {"iterations": 1, "runs": RUNS, "accept": "paper", "instance_key": "public"} | how
    url = f"sqlite:///{folder / store}"
    return st.self_improve([TASK], model=f"scripted:{path}", store=url, **how)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> tuple[st.SelfImproveResult, Path]:
    folder = tmp_path_factory.mktemp("series")
    return stop(folder, repeats=2, seed=5), folder


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.db'}"


def heads(folder: Path, series_id: str) -> dict[int, RunHead]:
    with open_reader(url(folder)) as reader:
        return series_runs(reader, series_id)


def findings(folder: Path) -> list[str]:
    with open_reader(url(folder)) as reader:
        return [found.what for found in verify_store(reader, studies()).findings]


# --- the series ---------------------------------------------------------------------------------


def test_each_repeat_is_a_run_of_its_own_with_the_next_seed_and_its_place(
    series: tuple[st.SelfImproveResult, Path],
) -> None:
    result, folder = series
    found = heads(folder, result.run_id)
    assert [head.seed for head in found.values()] == [5, 6]
    assert [head.run_id for head in found.values()] == [one.run_id for one in result.runs]
    assert result.runs[0].run_id == result.run_id
    for index, head in found.items():
        assert head.series is not None
        assert (head.series.index, head.series.of) == (index, 2)
    assert (result.state, [one.state for one in result.runs]) == ("done", ["done", "done"])


def test_what_earlier_runs_took_stands_in_the_head_of_the_next(
    series: tuple[st.SelfImproveResult, Path],
) -> None:
    result, folder = series
    first, second = heads(folder, result.run_id).values()
    assert first.series is not None
    assert second.series is not None
    assert first.series.usage.samples == 0
    assert second.series.usage == first.usage
    assert second.series.wall_s == first.wall_s
    assert second.usage is not None
    assert result.data["usage"]["samples"] == second.series.usage.samples + second.usage.samples


def test_the_runs_are_independent_each_is_what_it_would_be_alone(
    series: tuple[st.SelfImproveResult, Path], tmp_path: Path
) -> None:
    alone = stop(tmp_path, seed=6, baselines=True).data
    second = series[0].runs[1].data
    for part in ("iterations", "comparison", "best_improver_id", "state", "usage"):
        assert second[part] == alone[part], part


def test_the_object_of_several_runs_holds_each_and_the_curve(
    series: tuple[st.SelfImproveResult, Path],
) -> None:
    data = series[0].data
    assert set(data) == {"series_id", "state", "runs", "curve", "usage", "wall_s"}
    assert [point["t"] for point in data["curve"]["points"]] == [0, 1]
    assert "SelfImproveResult(runs=2, final_test=" in repr(series[0])
    shown = str(series[0])
    assert shown.index("Claim over 2 runs: final") < shown.index("Learning curve over 2 runs")
    *lines, command = shown.splitlines()
    assert max(map(len, lines)) <= 80
    assert command.startswith(f"more: selftaught show {series[0].run_id}")


def test_the_claim_is_over_the_means_of_the_runs_and_tells_what_both_sides_took(
    series: tuple[st.SelfImproveResult, Path],
) -> None:
    claims = series[0].data["curve"]["claims"]
    for name, claim in claims.items():
        means = [one.data["comparison"][name]["mean"] for one in series[0].runs]
        over = estimate({"runs": means}, Bounds(-1.0, 1.0), lowest_fails=False).as_json()
        assert claim["mean"] == pytest.approx(over["mean"])
        assert claim["ci95"] == pytest.approx(over["ci95"])
        assert claim["worst"]["mean"] == pytest.approx(min(means))
        assert claim["share_above"] == sum(mean > 0 for mean in means) / 2
    taken = claims["vs_seed_restarted"]["samples"]
    assert (
        taken["final"]
        == taken["other"]
        == series[0].data["curve"]["baselines"][0]["final_samples_per_improver_run"]
    )


def test_a_page_of_the_series_begins_with_the_claim_in_words(
    series: tuple[st.SelfImproveResult, Path],
) -> None:
    with open_reader(url(series[1])) as reader:
        page = as_text(study_page(recorded_series(reader, series[0].run_id)))
    claim = series[0].data["curve"]["claims"]["vs_seed"]
    said = f"Final minus seed: {words.signed_mean(claim)} {words.interval(claim, sign=True)}; "
    assert said in " ".join(page.split())
    assert page.count("Claim over 2 runs") == 1


@pytest.mark.parametrize(
    ("store", "accept"), [("store.db", "paper"), ("store.db", "strict"), ("none.db", "paper")]
)
def test_an_estimate_says_how_narrow_the_claim_will_be_by_earlier_runs_of_the_store(
    series: tuple[st.SelfImproveResult, Path], store: str, accept: str
) -> None:
    result, folder = series
    how: Json = {
        "model": f"scripted:{folder / 'texts.json'}",
        "store": f"sqlite:///{folder / store}",
    }
    how |= {"accept": accept, "tasks": ["noisy"], "runs": RUNS, "iterations": 1, "repeats": 8}
    config = make_config(RunConfig, how)
    found = core_thread.run(estimated(Asked(config, [TASK], load_improver("seed"))))
    said = " ".join(as_text(estimate_page(found)).split())
    if (store, accept) != ("store.db", "paper"):
        assert list(found["claim"]) == ["said"]
        assert "no earlier runs in the store" in said
        assert (folder / store).exists() == (store == "store.db")
        return
    low, high = (one.data["comparison"]["vs_seed"]["mean"] for one in result.runs)
    half = half_width((high - low) ** 2 / 2, 8)
    assert found["claim"]["vs_seed"]["half_width"] == pytest.approx(half)
    assert f"by 2 earlier ones: ± {half:.3f} at the same limits (runs: " in said


def test_a_run_that_is_in_the_store_is_not_made_again(tmp_path: Path) -> None:
    """By its whole configuration, as a protocol and the benchmark of recursion find theirs."""
    given: Json = {"tasks": ["flow_shop"], "iterations": 1, "runs": RUNS, "instance_key": "public"}
    given |= {"limits": {"calls": 1, "samples_per_call": 2}, "store": url(tmp_path)}

    def made(**changes: Any) -> Json:
        return core_thread.run(run_or_go_on(make_config(RunConfig, given | changes), silent))

    first = made(seed=3)
    assert made(seed=3) == first
    assert made(seed=4)["run_id"] != first["run_id"]
    with open_reader(url(tmp_path)) as reader:
        assert len(reader.runs()) == 2


def test_the_best_improver_of_a_series_is_that_of_the_run_that_is_best_on_val(
    series: tuple[st.SelfImproveResult, Path],
) -> None:
    on_val = {
        one.best_improver_id: one.data["iterations"][-1]["val"]["mean"] for one in series[0].runs
    }
    assert series[0].best_improver_id == max(on_val, key=lambda one: float(on_val[one]))


def test_one_run_has_no_series_and_no_baselines(tmp_path: Path) -> None:
    result = stop(tmp_path)
    assert set(result.data["comparison"]) == {
        *("seed", "seed_restarted", "final", "vs_seed", "vs_seed_restarted")
    }
    assert "series_id" not in result.data
    with open_reader(url(tmp_path)) as reader:
        assert read_head(reader, result.run_id).series is None
        assert len(list(reader.events(result.run_id, [Baseline]))) == 1


def test_a_finished_series_has_nothing_to_resume(
    series: tuple[st.SelfImproveResult, Path],
) -> None:
    result, folder = series
    for one in result.runs:
        with pytest.raises(ConfigError, match=r"series .* has ended, with 2 of 2 runs"):
            stop(folder, resume=one.run_id)


def test_members_replay_and_all_is_verified(series: tuple[st.SelfImproveResult, Path]) -> None:
    result, folder = series
    for one in result.runs:
        stored = find_run(url(folder), one.run_id, everything=True)
        replayed = core_thread.run(replay_run(stored, [TASK], rescore=False))
        assert (replayed["differences"], replayed["diverged"]) == ([], [])
        assert replayed["events"]["baseline"] == 4
    assert findings(folder) == []


def test_a_run_that_is_missing_is_done_when_the_series_goes_on(
    series: tuple[st.SelfImproveResult, Path], tmp_path: Path
) -> None:
    """As if it had been killed between the runs, or within the second."""
    result, folder = series
    first, second = (one.run_id for one in result.runs)
    for path in folder.iterdir():
        shutil.copy(path, tmp_path)
    for cut in ("run_id = ?", "run_id = ? AND seq > (SELECT max(seq) - 60 FROM events)"):
        with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as database:
            database.execute(f"DELETE FROM events WHERE {cut}", (second,))
        again = stop(tmp_path, resume=first)
        assert again.data["runs"][0] == result.data["runs"][0]
        for part in ("iterations", "comparison", "best_improver_id", "state"):
            assert again.data["runs"][1][part] == result.data["runs"][1][part]
        curves = [dict(one.data["curve"]) for one in (again, result)]
        for curve in curves:
            del curve["runs"]
        assert curves[0] == curves[1]
        second = again.runs[1].run_id


def test_a_series_in_progress_is_refused_to_others_also_between_its_runs(
    series: tuple[st.SelfImproveResult, Path], tmp_path: Path
) -> None:
    for path in series[1].iterdir():
        shutil.copy(path, tmp_path)
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as database:
        database.execute("DELETE FROM events WHERE run_id = ?", (series[0].runs[1].run_id,))
    with hold_run(url(tmp_path), f"{series[0].run_id}.series"):
        with pytest.raises(ConfigError, match=f"{series[0].run_id}.series is in progress, in"):
            stop(tmp_path, resume=series[0].run_id)


# --- one budget ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_budget_is_that_of_the_whole_series(tmp_path: Path) -> None:
    """The first run leaves the second enough to measure t = 0, and little more."""
    free = stop(tmp_path, "free.db", baselines=False).data["usage"]["lm_calls"]
    limit = free + 5
    result = stop(tmp_path, repeats=3, baselines=False, budget=st.Budget(lm_calls=limit))
    assert (result.state, [one.state for one in result.runs]) == ("budget", ["done", "budget"])
    assert len(result.runs[0].data["iterations"]) == 2
    assert len(result.runs[1].data["iterations"]) == 1
    assert free < result.data["usage"]["lm_calls"] <= limit
    assert [point["test"]["n"] for point in result.data["curve"]["points"]] == [2, 1]
    with pytest.raises(ConfigError, match="has ended, with 2 of 3 runs"):
        stop(tmp_path, resume=result.run_id)
    assert findings(tmp_path) == []


def test_a_series_whose_first_run_measures_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(NothingMeasured):
        stop(tmp_path, repeats=2, budget=st.Budget(lm_calls=1))


def test_a_baseline_that_the_budget_does_not_cover_is_null(tmp_path: Path) -> None:
    """t = 0 takes four calls, the restarted seed and the first baseline two each."""
    result = stop(tmp_path, baselines=True, budget=st.Budget(lm_calls=8))
    rows = result.data["comparison"]["baselines"]
    assert result.state == "budget"
    assert result.data["comparison"]["seed_restarted"] is not None
    assert rows["chain_of_thought"] is not None
    assert (rows["greedy"], rows["best_of_n"]) == (None, None)
    assert "best of n - - - not measured: the run ended before" in " ".join(str(result).split())
    assert findings(tmp_path) == []


# --- baselines ----------------------------------------------------------------------------------


@contextmanager
def tables(folder: Path, run_id: str) -> Iterator[Callable[..., list[Any]]]:
    """Asks the store in SQL; `:run` is the run."""
    with closing(sqlite3.connect(folder / "store.db")) as database:
        yield lambda query, **values: database.execute(query, {"run": run_id} | values).fetchall()


RESTARTS = """
SELECT end.body ->> '$.usage.samples', end.body ->> '$.program'
FROM events AS begin JOIN events AS end
  ON end.run_id = begin.run_id AND end.key = begin.key AND end.kind = 'invocation_end'
WHERE begin.run_id = :run AND begin.kind = 'invocation' AND begin.body ->> '$.role' = :role
  AND begin.body ->> '$.improver' = :improver AND begin.body ->> '$.repeat' = :repeat
ORDER BY end.seq
"""
SCORE = """
SELECT body ->> '$.value' FROM events
WHERE run_id = :run AND kind = 'evaluation' AND body ->> '$.program' = :program
  AND body ->> '$.stream' = :stream AND body ->> '$.repeat' = :repeat
"""


@pytest.mark.parametrize("index", [0, 1])
def test_baselines_are_the_best_by_search_at_equal_samples_judged_on_test(
    series: tuple[st.SelfImproveResult, Path], index: int
) -> None:
    result, folder = series
    data = result.runs[index].data
    comparison, final = data["comparison"], data["best_improver_id"]
    with tables(folder, data["run_id"]) as ask:
        (final_values,) = ask(
            "SELECT body -> '$.values.noisy' FROM events WHERE run_id = :run AND kind = "
            "'meta_evaluation' AND body ->> '$.improver' = :final AND body ->> '$.stream' = 'test'",
            final=final,
        )
        for name in SHIPPED:
            improver = load_improver(name).id
            row = comparison["baselines"][name]
            values, drawn = [], []
            for run in range(RUNS["test"]):
                repeat = f"test-{run}"
                restarts = ask(RESTARTS, role="restart", improver=improver, repeat=repeat)
                ((allowed, _),) = ask(RESTARTS, role="inner", improver=final, repeat=repeat)
                drawn.append(sum(samples for samples, _ in restarts))
                assert drawn[-1] == allowed
                scored = [
                    (ask(SCORE, program=program, stream="search", repeat=repeat), program)
                    for _, program in restarts
                    if program is not None
                ]
                best = max(scored, key=lambda pair: pair[0][0][0] or 0.0)[1]
                values.append(ask(SCORE, program=best, stream="test", repeat=repeat)[0][0] / 1.5)
            assert row["improver_id"] == improver
            assert row["samples"] == row["final_samples"] == sum(drawn)
            assert row["test"] == estimate({"": values}, UNIT).as_json()
            finals = {"": json.loads(final_values[0])}
            assert row["final_difference"]["mean"] == pytest.approx(
                paired_difference(finals, {"": values}).mean
            )


def test_a_baseline_that_the_run_began_with_is_measured_once(tmp_path: Path) -> None:
    result = stop(tmp_path, improver="greedy", baselines=True)
    comparison = result.data["comparison"]
    greedy = comparison["baselines"]["greedy"]
    assert greedy["test"] == comparison["seed_restarted"]
    assert greedy["final_difference"] == comparison["vs_seed_restarted"]
    assert findings(tmp_path) == []


DAMAGES = {
    "a value": ("$.values.noisy[0]", 0.123, "values of baseline greedy in run 0 of noisy come to"),
    "samples": ("$.samples.noisy[1]", 99, "samples of baseline greedy in run 1 of noisy come to"),
    "final samples": ("$.final_samples.noisy[1]", 1, "final_samples of baseline greedy in run 1"),
    "a program": (
        "$.programs.noisy[0]",
        content_id(numbered(0)),
        "programs of baseline greedy in run 0 of noisy come to",
    ),
    "its mean": ("$.mean", 0.5, "its values come to"),
    "its name": ("$.name", "best", "the key of this baseline is"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_was_changed_in_a_baseline_is_found(
    series: tuple[st.SelfImproveResult, Path], tmp_path: Path, damage: str
) -> None:
    shutil.copy(series[1] / "store.db", tmp_path)
    path, value, said = DAMAGES[damage]
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as database:
        done = database.execute(
            "UPDATE events SET body = json_set(body, ?, ?) WHERE run_id = ? AND kind = 'baseline' "
            "AND body ->> '$.name' = 'greedy'",
            (path, value, series[0].run_id),
        )
        assert done.rowcount == 1
    assert any(said in found for found in findings(tmp_path)), findings(tmp_path)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("$.series.usage.samples", 1, "the runs before it in its series took"),
        ("$.series.wall_s", 0.0, "the runs before it in its series took"),
        ("$.series.index", 0, "it is run 0 of series"),
        ("$.series.index", 3, "the runs before it in its series cannot be read"),
    ],
)
def test_what_was_changed_in_the_place_of_a_run_is_found(
    series: tuple[st.SelfImproveResult, Path], tmp_path: Path, path: str, value: float, said: str
) -> None:
    shutil.copy(series[1] / "store.db", tmp_path)
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as database:
        done = database.execute(
            "UPDATE events SET body = json_set(body, ?, ?) WHERE run_id = ? AND kind = 'run'",
            (path, value, series[0].runs[1].run_id),
        )
        assert done.rowcount == 1
    assert any(said in found for found in findings(tmp_path)), findings(tmp_path)


@pytest.mark.parametrize(
    "part", ["test.mean", "final_difference.mean", "samples", "improver_id", "final_samples"]
)
def test_what_was_changed_in_the_result_of_a_baseline_is_found(
    series: tuple[st.SelfImproveResult, Path], tmp_path: Path, part: str
) -> None:
    shutil.copy(series[1] / "store.db", tmp_path)
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as database:
        path = f"$.comparison.baselines.best_of_n.{part}"
        done = database.execute(
            "UPDATE events SET body = json_set(body, ?, 7) WHERE run_id = ? AND kind = 'result'",
            (path, series[0].run_id),
        )
        assert done.rowcount == 1
    assert any(part.split(".")[0] in found and "best_of_n" in found for found in findings(tmp_path))
