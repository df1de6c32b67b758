"""What the commands print: the contract's objects, and pages that people can read."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from installed import COMMAND, Finished, environment, selftaught

STREAMS = ("--search-runs", "2", "--val-runs", "2", "--test-runs", "2")
USAGE = {"lm_calls", "requests", "samples", "tokens_in", "tokens_out", "usd"}


def is_estimate(value: Any) -> bool:
    return set(value) == {"mean", "ci95", "n"} and len(value["ci95"]) == 2


def test_run_json_is_the_contracts_object(finished: Finished) -> None:
    assert finished.run.stdout.count("\n") == 1
    result = finished.run_json
    assert set(result) == {
        *("run_id", "state", "model", "sandbox_tier", "iterations", "comparison"),
        *("outcomes", "usage", "wall_s", "final_improver_id", "best_improver_id"),
    }
    assert (result["state"], result["model"]) == ("done", "local:mutator")
    assert [iteration["t"] for iteration in result["iterations"]] == [0, 1]
    first, second = result["iterations"]
    assert first["proposal"] is None
    assert set(second["proposal"]) == {"improver_id", "accepted", "val_difference", "reason"}
    assert all(is_estimate(iteration[s]) for iteration in (first, second) for s in ("val", "test"))
    rows = ("seed", "seed_restarted", "final", "vs_seed", "vs_seed_restarted")
    assert set(result["comparison"]) == set(rows)
    assert all(is_estimate(result["comparison"][row]) for row in rows)
    assert set(result["usage"]) == USAGE
    assert result["final_improver_id"] == second["improver_id"]
    assert result["best_improver_id"] == result["final_improver_id"]  # its old name


def test_improve_json_is_the_contracts_object_and_the_budget_is_spent_to_the_call(
    finished: Finished,
) -> None:
    assert finished.improve.stdout.count("\n") == 1
    result = finished.improve_json
    assert set(result) >= {"run_id", "state", "task", "seed", "best", "usage", "wall_s"}
    assert result["task"] == "flow_shop"
    assert result["usage"]["lm_calls"] == 2
    assert all(is_estimate(result[name][s]) for name in ("seed", "best") for s in ("val", "test"))
    assert "def algorithm" in result["best"]["source"]
    assert len(result["best"]["program_id"]) >= 16


def test_a_pipe_is_told_the_important_events_in_plain_lines(finished: Finished) -> None:
    run_id = finished.run_json["run_id"]
    told = [re.sub(r"^ *[0-9.]+ s  ", "", line) for line in finished.run.stderr.splitlines()]
    patterns = (
        rf"run {run_id} started: run flow_shop; model local:mutator; sandbox \w+; "
        r"\d+ programs? scored at once",
        r"t = 0 of 1: [0-9a-f]+: val \S+ \[.*\], test \S+ \[.*\]",
        r"t = 1 of 1: [0-9a-f]+: val .*, test .*; (adopted|refused): .*",
        "comparing the final improver to the seed improver on test",
        rf"run {run_id} ended: done",
    )
    assert len(told) == len(patterns)
    for pattern, line in zip(patterns, told, strict=True):
        assert re.fullmatch(pattern, line)


def test_improve_tells_each_new_best(finished: Finished) -> None:
    told = finished.improve.stderr
    values = [float(value) for value in re.findall(r"best on search ([0-9.]+), after", told)]
    assert values
    assert values == sorted(values)
    assert "measuring the seed and the best programs on val and test" in told
    assert "ended: budget (the run's budget of lm_calls is spent: 2 of 2)" in told
    assert "\x1b" not in told


def test_runs_are_listed_newest_first(finished: Finished) -> None:
    listed = json.loads(selftaught("runs", "--json", cwd=finished.folder).stdout)["runs"]
    assert [(run["run_id"], run["kind"], run["state"]) for run in listed] == [
        (finished.improve_json["run_id"], "improve", "budget"),
        (finished.run_json["run_id"], "run", "done"),
    ]
    assert all("started" in run for run in listed)
    page = selftaught("runs", cwd=finished.folder).stdout.splitlines()
    assert page[0].split()[:3] == ["run", "kind", "state"]
    assert [line.split()[0] for line in page[1:]] == [run["run_id"] for run in listed]


def test_show_tells_of_a_stop_run_what_was_proposed_and_what_it_took(finished: Finished) -> None:
    run_id = finished.run_json["run_id"]
    page = selftaught("show", run_id, cwd=finished.folder)
    assert (page.code, page.stderr) == (0, "")
    proposal = finished.run_json["iterations"][1]["proposal"]
    assert f"STOP on flow_shop: run {run_id}" in page.stdout
    assert "Proposal at t = 1: " in page.stdout
    assert proposal["reason"].replace("better", "higher") in page.stdout
    assert f"+++ {proposal['improver_id']}" in page.stdout
    assert f"Program {finished.run_json['best_improver_id']}" in page.stdout
    assert "def improve_algorithm" in page.stdout
    for role in ("proposal", "inner", "restart"):
        assert re.search(rf"^{role} +\d+", page.stdout, re.MULTILINE)
    assert re.search(r"^programs scored +scored +\d+", page.stdout, re.MULTILINE)


def test_show_takes_latest_and_gives_one_object(finished: Finished) -> None:
    shown = selftaught("show", "latest", "--json", cwd=finished.folder)
    view = json.loads(shown.stdout)
    assert view["run_id"] == finished.improve_json["run_id"]
    assert view["best"]["source"] == finished.improve_json["best"]["source"]
    assert set(view) >= {"iterations", "proposals", "spending", "counts", "result"}


def test_results_for_people_fit_eighty_columns_and_are_plain_in_a_pipe(here: Path) -> None:
    done = selftaught("run", "flow_shop", "--iterations", "1", *STREAMS, cwd=here)
    assert done.code == 0
    for said in ("t  improver  val (n = 2)", "Comparison on test: 2 improver runs each, paired"):
        assert said in done.stdout
    for row in ("seed improver, restarted", "final improver", "final - seed "):
        assert row in done.stdout
    assert re.search(r"better|worse|no\s+difference shown", done.stdout)
    assert re.search(r"^more: selftaught show \d{8}-", done.stdout, re.MULTILINE)
    assert "\x1b" not in done.stdout + done.stderr
    tables = [line for line in done.stdout.splitlines() if not line.startswith("spent: ")]
    assert max(map(len, tables)) <= 80
    assert not [line for line in done.stdout.splitlines() if line != line.rstrip()]


def test_improve_writes_the_best_program_and_shows_what_changed(here: Path) -> None:
    (here / "best.py").write_text("mine")
    done = selftaught(
        *("improve", "flow_shop", "--lm-calls", "2", "--out", "best.py", "--force"), cwd=here
    )
    assert done.code == 0
    assert "flow_shop: mean over 5 sets of instances each" in done.stdout
    assert "+++ best" in done.stdout
    shown = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)
    assert (here / "best.py").read_text() == shown["best"]["source"]


def test_the_best_improver_of_a_run_can_be_used_again(finished: Finished, folder: Path) -> None:
    run_id = finished.run_json["run_id"]
    done = selftaught(
        *("improve", "flow_shop", "--lm-calls", "1", "--improver", run_id, "--json"), cwd=folder
    )
    assert done.code == 0, done.stderr
    improve_id = finished.improve_json["run_id"]
    wrong = selftaught("run", "flow_shop", "--improver", improve_id, cwd=folder)
    assert wrong.code == 2
    assert wrong.stderr.startswith(f"selftaught: error: run {improve_id} has no improver")


def test_options_win_over_the_file(here: Path) -> None:
    (here / "my.toml").write_text("seed = 5\n[budget]\nlm_calls = 9\nsamples = 50\n")
    done = selftaught(
        *("improve", "flow_shop", "--config", "my.toml", "--lm-calls", "1", "--json"), cwd=here
    )
    assert json.loads(done.stdout)["usage"]["lm_calls"] == 1
    config = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)["config"]
    assert (config["seed"], config["budget"]["samples"]) == (5, 50)


def test_a_budget_spent_before_any_result_is_exit_code_3(here: Path) -> None:
    done = selftaught("run", "flow_shop", "--lm-calls", "1", *STREAMS, "--json", cwd=here)
    assert (done.code, done.stdout) == (3, "")
    assert done.stderr.splitlines()[-1].startswith(
        "selftaught: error: the run's budget of lm_calls"
    )


def test_a_folder_without_runs_says_so(here: Path) -> None:
    for arguments, shown in (((), "No runs here yet"), (("--json",), '{"runs": []}')):
        done = selftaught("runs", *arguments, cwd=here)
        assert (done.code, done.stderr) == (0, "")
        assert done.stdout.startswith(shown)
    assert not any(here.iterdir())


def test_tasks_are_listed_and_one_is_shown_with_its_seed(here: Path) -> None:
    listed = json.loads(selftaught("tasks", "--json", cwd=here).stdout)["tasks"]
    assert {task["name"] for task in listed} >= {"bin_packing", "flow_shop", "parity_noise"}
    facts = {"name", "range", "entry", "summary", "best_known", "seed_score", "source"}
    assert all(set(task) == facts | {"references", "minimize"} for task in listed)
    assert all(task["seed_score"] and task["source"] for task in listed)
    heading, source, *table = selftaught("tasks", cwd=here).stdout.splitlines()
    assert (heading.split(), source.split()) == (["task", "range", "best", "seed"], ["source"])
    # Two lines each, in eighty columns.
    numbers, sources = (table[start : 2 * len(listed) : 2] for start in (0, 1))
    assert [line.split()[0] for line in numbers] == [task["name"] for task in listed]
    assert [line.strip() for line in sources] == [task["source"] for task in listed]
    page = selftaught("tasks", "flow_shop", cwd=here).stdout
    assert "range 0 to 1; entry algorithm" in page
    assert "def lower_bound(times" in page
    assert "def algorithm(times" in page


def test_models_says_that_the_default_is_not_a_language_model(here: Path) -> None:
    page = selftaught("models", cwd=here).stdout
    assert page.startswith("default: local:mutator\n")
    assert "is not a language model" in page
    listed = json.loads(selftaught("models", "--json", cwd=here).stdout)
    assert {entry["provider"] for entry in listed["providers"]} >= {"local", "scripted"}


def test_doctor_names_the_tier_that_will_be_used(here: Path) -> None:
    health = json.loads(selftaught("doctor", "--json", cwd=here).stdout)
    assert {tier["tier"] for tier in health["tiers"]} == {"namespaced", "sealed"}
    assert health["tier"] == next(t["tier"] for t in health["tiers"] if t["usable"])
    page = selftaught("doctor", cwd=here)
    assert page.code == 0
    assert f"Runs will use the tier {health['tier']}." in page.stdout


def test_doctor_says_how_much_memory_all_guests_may_have_together(here: Path) -> None:
    memory = json.loads(selftaught("doctor", "--json", cwd=here).stdout)["memory"]
    assert 0 < memory["guests_bytes"] < memory["machine_bytes"]
    page = selftaught("doctor", cwd=here).stdout
    assert f"At most {memory['guests_bytes'] >> 20:,} MB for all of a run together" in page
    if memory["problem"] is None:
        at_once = memory["at_once"].values()
        assert min(at_once) >= 1
        assert sum(at_once) * memory["guest_bytes"] <= memory["guests_bytes"]
    else:
        assert memory["problem"] in page


@pytest.mark.parametrize("arguments", [("tasks", "flow_shop"), ("tasks", "--json"), ("--help",)])
def test_a_reader_that_leaves_is_no_reason_for_a_traceback(
    arguments: tuple[str, ...], here: Path
) -> None:
    process = subprocess.Popen(
        [COMMAND, *arguments],
        cwd=here,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(timeout=30) == 1


def test_a_trace_goes_down_to_prompts_replies_and_scores(finished: Finished) -> None:
    run_id = finished.improve_json["run_id"]
    page = selftaught("show", run_id, "--trace", cwd=finished.folder)
    assert page.code == 0
    for part in ("improver run", "model call", "prompt:", "reply 1: program ", "returned "):
        assert part in page.stdout
    told = json.loads(selftaught("show", run_id, "--trace", "--json", cwd=finished.folder).stdout)
    replies = [reply for run in told["trace"] for call in run["calls"] for reply in call["replies"]]
    assert len(replies) == finished.improve_json["usage"]["samples"]
    assert any(reply["outcome"] == "scored" for reply in replies)
