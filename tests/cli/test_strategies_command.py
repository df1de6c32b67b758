"""`selftaught strategies`: every improver of a run, what it does, and where it came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import Finished, selftaught

import selftaught as package

IMPROVERS = Path(package.__file__).parent / "improvers"


def test_each_improver_of_a_stop_run_stands_once_with_its_step_and_values(
    finished: Finished,
) -> None:
    run = finished.run_json
    shown = selftaught("strategies", run["run_id"], "--json", cwd=finished.folder)
    assert (shown.code, shown.stderr, shown.stdout.count("\n")) == (0, "", 1)
    found = json.loads(shown.stdout)
    assert found["run_id"] == run["run_id"]
    first, *others = found["improvers"]
    start, step = run["iterations"]
    assert first["improver_id"] == start["improver_id"]
    assert (first["t"], first["parent"], first["accepted"]) == (0, None, None)
    assert (first["val"], first["test"]) == (start["val"], start["test"])
    assert first["traced_runs"] > 0
    proposal = step["proposal"]
    assert [one["improver_id"] for one in others] == [proposal["improver_id"]]
    assert others[0]["parent"] == first["improver_id"]
    assert others[0]["accepted"] == proposal["accepted"]
    assert set(first) == {
        *("improver_id", "t", "parent", "accepted", "val", "test", "strategies"),
        *("reason", "unreadable", "traced_runs"),
    }
    # The seed improver asks once, scores each and returns the best: none of these strategies.
    assert (first["strategies"], first["unreadable"]) == ([], None)


def test_the_page_shows_the_lineage_and_fits_eighty_columns(finished: Finished) -> None:
    run = finished.run_json
    page = selftaught("strategies", run["run_id"], "--diff", cwd=finished.folder)
    assert (page.code, page.stderr) == (0, "")
    proposed = run["iterations"][1]["proposal"]["improver_id"]
    seed = run["iterations"][0]["improver_id"]
    assert f"Improvers of run {run['run_id']}, and where they came from" in page.stdout
    assert f"1  └ {proposed[:8]}" in page.stdout
    assert f"    --- {seed}" in page.stdout
    assert f"    +++ {proposed}" in page.stdout
    table = page.stdout.partition("\n\n")[0]
    assert max(map(len, table.splitlines())) <= 80
    assert "\x1b" not in page.stdout
    without = selftaught("strategies", run["run_id"], cwd=finished.folder).stdout
    assert "+++" not in without


def test_an_improve_run_has_one_improver_whose_calls_are_those_of_its_journal(folder: Path) -> None:
    arguments = ("--improver", str(IMPROVERS / "greedy.py"), "--lm-calls", "4", "--json")
    done = selftaught("improve", "flow_shop", *arguments, cwd=folder)
    assert done.code == 0, done.stderr
    found = json.loads(selftaught("strategies", "latest", "--json", cwd=folder).stdout)
    (improver,) = found["improvers"]
    assert (improver["t"], improver["parent"], improver["val"]) == (0, None, None)
    assert improver["traced_runs"] == 1
    (strategy,) = improver["strategies"]
    assert strategy["strategy"] == "iteration_from_incumbent"
    lines = (IMPROVERS / "greedy.py").read_text(encoding="utf-8").splitlines()
    assert any("language_model.prompt(" in lines[line - 1] for line in strategy["source"])
    trace = json.loads(selftaught("show", "latest", "--trace", "--json", cwd=folder).stdout)
    keys = {call["key"] for run in trace["trace"] for call in run["calls"]}
    assert set(strategy["calls"]) <= keys
    page = selftaught("strategies", "latest", cwd=folder).stdout
    assert "iteration_from_incumbent  source    lines " in page
    assert "the improver to begin with" in page


@pytest.mark.slow
def test_a_program_that_is_too_long_to_read_is_said_to_be_so(folder: Path) -> None:
    text = (IMPROVERS / "seed.py").read_text(encoding="utf-8")
    (folder / "long.py").write_text(text + "# more\n" * 40_000, encoding="utf-8")
    arguments = ("--improver", "long.py", "--lm-calls", "1", "--json")
    assert selftaught("improve", "flow_shop", *arguments, cwd=folder).code == 0
    page = selftaught("strategies", "latest", cwd=folder)
    assert page.code == 0
    assert "its program was not read: it has 28" in page.stdout
    assert "none found" in page.stdout
    assert "in its calls" in page.stdout


def test_a_run_that_is_not_there_is_wrong_input(finished: Finished) -> None:
    wrong = selftaught("strategies", "nothing", cwd=finished.folder)
    assert (wrong.code, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("selftaught: error: ")
    assert wrong.stderr.count("\n") == 1
