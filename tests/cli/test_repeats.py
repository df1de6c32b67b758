"""`selftaught run --repeats`, as a user meets it."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from installed import Done, selftaught, started

from selftaught.studies.stop.baselines import SHIPPED

Json = dict[str, Any]

SMALL = (
    *("run", "flow_shop", "--iterations", "1", "--instance-key", "public"),
    *("--search-runs", "1", "--val-runs", "2", "--test-runs", "2"),
    *("--calls", "2", "--samples-per-call", "3", "--utility-uses", "7"),
)
TWICE = (*SMALL, "--repeats", "2")


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Json, Path, Done]:
    """What two repeats print, and their folder."""
    folder = tmp_path_factory.mktemp("twice")
    done = selftaught(*TWICE, "--json", cwd=folder)
    assert done.code == 0, done.stderr
    return json.loads(done.stdout), folder, done


def without_clocks(series: Json) -> list[Json]:
    """What must be the same of equal series, run by run."""
    names = ("state", "iterations", "comparison", "best_improver_id")
    return [{name: run[name] for name in names} for run in series["runs"]]


def test_json_is_one_object_with_each_runs_own_and_the_curve(
    twice: tuple[Json, Path, Done],
) -> None:
    result, _, done = twice
    assert done.stdout.count("\n") == 1
    assert {"series_id", "runs", "curve"} <= set(result)
    assert [run["state"] for run in result["runs"]] == ["done", "done"]
    assert result["runs"][0]["run_id"] == result["series_id"]
    for run in result["runs"]:
        assert set(run["comparison"]["baselines"]) == set(SHIPPED)
        assert all(
            row["samples"] == row["final_samples"] > 0
            for row in run["comparison"]["baselines"].values()
        )
    curve = result["curve"]
    for t, point in enumerate(curve["points"]):
        for stream in ("val", "test"):
            means = [run["iterations"][t][stream]["mean"] for run in result["runs"]]
            assert point[stream]["mean"] == pytest.approx(sum(means) / 2)
            assert point[stream]["ci95"] == pytest.approx([min(means), max(means)])  # of two
    assert {one["name"] for one in curve["baselines"]} == {"seed", *SHIPPED}
    calls = sum(run["usage"]["lm_calls"] for run in result["runs"])
    assert result["usage"]["lm_calls"] == calls


def test_progress_says_which_run_of_the_series_it_is(twice: tuple[Json, Path, Done]) -> None:
    result, _, done = twice
    for number in (1, 2):
        assert f"run flow_shop, {number} of 2 in series {result['series_id']}; " in done.stderr
    assert "comparing the final improver to the baseline greedy on test" in done.stderr


def test_show_sets_several_series_side_by_side(
    twice: tuple[Json, Path, Done], tmp_path: Path
) -> None:
    result, folder, _ = twice
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    done = selftaught(*SMALL, "--seed", "5", "--no-baselines", "--json", cwd=tmp_path)
    single = json.loads(done.stdout)
    both = [run["run_id"] for run in result["runs"]]
    shown = selftaught("show", *both, single["run_id"], "--json", cwd=tmp_path)
    of_two, of_one = json.loads(shown.stdout)["series"]
    assert (of_two["series_id"], of_one["series_id"]) == (result["series_id"], single["run_id"])
    assert of_two["gain"]["mean"] == pytest.approx(
        result["curve"]["points"][-1]["test_gain"]["mean"]
    )
    before, after = (one["test"]["mean"] for one in single["iterations"])
    assert of_one["gained"]["count"] == (after - before >= 0.03)
    page = selftaught("show", both[0], single["run_id"], cwd=tmp_path)
    assert "STOP, model by model" in page.stdout
    refused = selftaught("show", *both, "--trace", cwd=tmp_path)
    assert (refused.code, refused.stderr.count("\n")) == (2, 1)


def test_runs_and_show_tell_the_series(twice: tuple[Json, Path, Done]) -> None:
    result, folder, _ = twice
    listed = json.loads(selftaught("runs", "--json", cwd=folder).stdout)["runs"]
    assert [run["series"] for run in listed] == [
        {"id": result["series_id"], "index": index, "of": 2} for index in (1, 0)
    ]
    page = selftaught("runs", cwd=folder).stdout
    assert "run 2/2" in page
    second = result["runs"][1]["run_id"]
    shown = selftaught("show", second, cwd=folder).stdout
    assert shown.startswith(f"STOP on flow_shop: run {second}")
    assert f"It is 2 of 2 in series {result['series_id']}" in " ".join(shown.split())
    curve = shown.index("Learning curve over 2 runs")
    assert curve < shown.index("Meta-utility of the improver that stands after each step")
    assert "Baselines on test, at as many samples as the final improver drew" in shown
    assert max(map(len, shown.partition("Proposal")[0].splitlines())) <= 80
    view = json.loads(selftaught("show", second, "--json", cwd=folder).stdout)
    assert view["series"]["id"] == result["series_id"]
    assert view["curve"]["points"] == result["curve"]["points"]


def test_all_of_it_is_verified_and_replayed(twice: tuple[Json, Path, Done]) -> None:
    result, folder, _ = twice
    assert selftaught("verify", cwd=folder).code == 0
    replayed = selftaught("replay", result["runs"][1]["run_id"], "--json", cwd=folder)
    assert replayed.code == 0
    assert json.loads(replayed.stdout)["events"]["baseline"] == 4


def test_a_finished_series_is_not_resumed(twice: tuple[Json, Path, Done]) -> None:
    result, folder, _ = twice
    refused = selftaught("resume", "latest", cwd=folder)
    assert (refused.code, refused.stdout) == (2, "")
    assert f"series {result['series_id']} has ended, with 2 of 2 runs" in refused.stderr
    assert refused.stderr.count("\n") == 1


def stopped(cwd: Path, after: str, *arguments: str) -> str:
    """Stop a command by Ctrl-C when it has said this; the end of what it said."""
    process = started(*arguments, cwd=cwd)
    assert process.stderr is not None
    for line in process.stderr:
        if after in line:
            process.send_signal(signal.SIGINT)
            break
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGINT, stderr
    assert json.loads(stdout)["state"] == "stopped"
    return stderr.splitlines()[-1]


@pytest.mark.slow
def test_a_series_that_is_stopped_goes_on_in_the_run_where_it_was_and_with_those_that_are_missing(
    twice: tuple[Json, Path, Done], here: Path
) -> None:
    said = stopped(here, "t = 0 of 1", *TWICE, "--json")
    first = said.rpartition(" ")[2]  # go on with: selftaught resume ...
    (listed,) = json.loads(selftaught("runs", "--json", cwd=here).stdout)["runs"]
    assert (listed["run_id"], listed["state"]) == (first, "interrupted")
    stopped(here, "2 of 2 in series", "resume", first, "--json")
    listed = json.loads(selftaught("runs", "--json", cwd=here).stdout)["runs"]
    assert [run["state"] for run in listed] == ["interrupted", "done"]
    resumed = selftaught("resume", "latest", "--json", cwd=here)
    assert resumed.code == 0, resumed.stderr
    result = json.loads(resumed.stdout)
    assert result["series_id"] == first
    assert without_clocks(result) == without_clocks(twice[0])
    assert result["curve"]["points"][1]["test"] == twice[0]["curve"]["points"][1]["test"]
    assert selftaught("verify", cwd=here).code == 0


@pytest.mark.slow
def test_the_budget_is_that_of_all_runs_and_its_end_is_no_error(
    twice: tuple[Json, Path, Done], here: Path
) -> None:
    """Without baselines the first run takes what it takes alone; the second gets what is left."""
    alone = json.loads(selftaught(*SMALL, "--json", cwd=here).stdout)["usage"]["lm_calls"]
    limit = str(alone + 5)
    done = selftaught(
        *(*SMALL, "--repeats", "3", "--no-baselines", "--lm-calls", limit, "--json"), cwd=here
    )
    assert done.code == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["state"], [run["state"] for run in result["runs"]]) == (
        "budget",
        ["done", "budget"],
    )
    assert alone < result["usage"]["lm_calls"] <= alone + 5
    assert "baselines" not in result["runs"][0]["comparison"]
    refused = selftaught("resume", "latest", cwd=here)
    assert (refused.code, refused.stdout) == (2, "")


def test_an_estimate_counts_all_runs_and_the_baselines(here: Path) -> None:
    def estimated(*more: str) -> Json:
        return dict(json.loads(selftaught(*SMALL, *more, "--estimate", "--json", cwd=here).stdout))

    plain, compared, three = estimated(), estimated("--baselines"), estimated("--repeats", "3")
    names = [step["name"] for step in compared["steps"]]
    assert names == [*(step["name"] for step in plain["steps"]), *SHIPPED]
    assert three["steps"][-1]["name"] == "the other 2 runs"
    for kind in ("likely", "most"):
        assert three[kind]["samples"] == 3 * compared[kind]["samples"]
        assert compared[kind]["samples"] > plain[kind]["samples"]
    # Likely each draws what the seed improver does: one call of three, in each of two runs.
    assert [step["likely"]["samples"] for step in compared["steps"][-3:]] == [6, 6, 6]
    assert not (here / "selftaught.db").exists()
