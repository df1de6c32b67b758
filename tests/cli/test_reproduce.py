"""`selftaught reproduce paper`, as a user meets it; a micro variant stands in for the whole."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from installed import Done, selftaught

from selftaught.app.discovery import load_task
from selftaught.app.reproduce import ProtocolConfig, best_run
from selftaught.app.run_list import list_runs
from selftaught.cli import edge
from selftaught.cli.main import selftaught as command
from selftaught.core.program import content_id
from selftaught.journal.reader import open_reader
from selftaught.studies.settings import make_config

MICRO = """\
about = "Two small runs, to see that it goes."

[run]
tasks = ["flow_shop"]
iterations = 1
repeats = 2
accept = "paper"
baselines = false
seed = 3

[run.limits]
calls = 1
samples_per_call = 3
utility_uses = 4

[run.runs]
search = 1
val = 2
test = 2

[transfer]
tasks = ["descent", "maxcut"]

[transfer.runs]
test = 2
"""


@pytest.fixture(scope="module")
def micro(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A folder with the micro protocol and the store in which it was run, and what that printed."""
    folder = tmp_path_factory.mktemp("micro")
    (folder / "micro.toml").write_text(MICRO)
    done = selftaught("reproduce", "paper", "--config", "micro.toml", "--json", cwd=folder)
    assert done.code == 0, done.stderr
    return folder, done


@pytest.fixture
def copied(micro: tuple[Path, Done], here: Path) -> Path:
    """A copy of that folder, in which the test stands."""
    shutil.copytree(micro[0], here, dirs_exist_ok=True)
    return here


def result(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Of the micro protocol in the current folder, in this process."""
    argv = ["reproduce", "paper", "--config", "micro.toml", "--json", *arguments]
    code = edge.run(command, argv)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return dict(json.loads(printed.out))


def runs(folder: Path) -> list[tuple[str, str, str]]:
    with open_reader(f"sqlite:///{folder}/selftaught.db") as reader:
        return [(run.run_id, run.kind, run.state) for run in list_runs(reader)]


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert edge.run(command, ["reproduce", "paper", "--show", *arguments]) == 0
    return capsys.readouterr().out


def test_the_protocol_that_is_shown_is_a_configuration_with_the_numbers_of_the_paper(
    capsys: pytest.CaptureFixture[str],
) -> None:
    protocol = make_config(ProtocolConfig, tomllib.loads(shown(capsys)))
    run, limits = protocol.run, protocol.run.limits
    assert (run.tasks, run.iterations, run.repeats) == (("parity_noise",), 4, 5)
    assert (limits.calls, limits.samples_per_call, limits.utility_uses) == (4, 6, 25)
    assert (run.accept, run.runs.search, run.with_baselines) == ("paper", 5, True)
    assert set(protocol.transfer.tasks) == {
        *("string_grid_distance", "quadratic_assignment", "three_sat", "maxcut"),
        "parity_noiseless",
    }
    for name in protocol.transfer.tasks:  # each of the paper's Table 1, which is what they beside
        whats = [reference.what for reference in load_task(name).references]
        assert [what.partition(",")[0] for what in whats] == [
            *("seed program", "seed improver", "improved improver")
        ]


def test_the_small_one_has_the_same_limits_tasks_and_acceptance(
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole, small = (
        make_config(ProtocolConfig, tomllib.loads(shown(capsys, *more)))
        for more in ((), ("--small",))
    )
    same = ("tasks", "iterations", "repeats", "accept", "limits", "baselines", "sandbox")
    assert all(getattr(whole.run, name) == getattr(small.run, name) for name in same)
    assert whole.transfer == small.transfer
    fewer, all_of_them = small.run.runs, whole.run.runs
    assert fewer.search < all_of_them.search  # type: ignore[operator]
    assert "does not reproduce the paper's numbers" in " ".join(small.about.split())


def test_ten_steps_is_one_longer_run_with_all_else_as_in_the_paper(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert edge.run(command, ["reproduce", "ten_steps", "--show"]) == 0
    longer = make_config(ProtocolConfig, tomllib.loads(capsys.readouterr().out))
    paper = make_config(ProtocolConfig, tomllib.loads(shown(capsys)))
    assert (longer.run.iterations, longer.run.repeats) == (10, 1)
    assert longer.run == replace(paper.run, iterations=10, repeats=1)
    assert longer.transfer == paper.transfer
    assert edge.run(command, ["reproduce", "ten_steps", "--small"]) == 2
    assert "ten_steps has no small form" in capsys.readouterr().err


def test_options_stand_over_the_file_and_json_shows_what_they_make(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    options = ("--model", "openai:m", "--usd", "3", "--calls", "2", "--seed", "9", "--json")
    found = make_config(ProtocolConfig, json.loads(shown(capsys, *options)))
    run = found.run
    assert (run.model, run.budget.usd, run.limits.calls, run.seed) == ("openai:m", 3.0, 2, 9)
    assert (run.limits.samples_per_call, run.repeats) == (6, 5)
    (here / "micro.toml").write_text(MICRO)
    assert shown(capsys, "--config", "micro.toml") == MICRO


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--small", "--config", "micro.toml"), "--small and --config are two protocols"),
        (("--config", "other.toml"), "cannot read the configuration other.toml"),
        (("--config", "wrong.toml"), "protocol wrong.toml: unknown setting 'run.colour'"),
        (("--config", "short.toml"), "protocol short.toml: transfer must be"),
        (("--model", "nobody:x"), "unknown model provider 'nobody'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line_and_nothing_is_written(
    arguments: tuple[str, ...], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "micro.toml").write_text(MICRO)
    (here / "wrong.toml").write_text(MICRO.replace("seed = 3", 'colour = "red"'))
    (here / "short.toml").write_text(MICRO.partition("[transfer]")[0])
    assert edge.run(command, ["reproduce", "paper", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (here / "selftaught.db").exists()


def test_an_estimate_has_the_steps_of_the_runs_and_of_the_transfer(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "micro.toml").write_text(MICRO)
    found = result(capsys, "--estimate", "--samples", "50")
    names = [step["name"] for step in found["steps"]]
    assert names == [
        *("t = 0", "t = 1", "comparison", "the other run"),
        *("descent", "maxcut", "restarts"),
    ]
    assert found["likely"]["samples"] == sum(step["likely"]["samples"] for step in found["steps"])
    assert found["most_within_budget"]["samples"] == 50
    assert not (here / "selftaught.db").exists()


@pytest.mark.slow
def test_the_micro_protocol_goes_through_to_the_transfer_of_the_best_run(
    micro: tuple[Path, Done],
) -> None:
    found = json.loads(micro[1].stdout)
    series, transfer = found["series"], found["transfer"]
    assert (found["state"], series["state"], transfer["state"]) == ("done", "done", "done")
    assert len(series["runs"]) == 2
    assert series["curve"]["of"] == 2
    chosen = best_run(series["runs"])
    assert chosen is not None
    val = {run["run_id"]: run["iterations"][-1]["val"]["mean"] for run in series["runs"]}
    assert val[chosen["run_id"]] == max(val.values())
    assert found["best"]["run_id"] == transfer["origin"] == chosen["run_id"]
    assert transfer["improved_improver_id"] == chosen["best_improver_id"]
    assert [row["task"] for row in transfer["tasks"]] == ["descent", "maxcut"]
    both = series["usage"]["samples"] + transfer["usage"]["samples"]
    assert found["usage"]["samples"] == both
    assert [kind for _, kind, _ in runs(micro[0])] == ["transfer", "run", "run"]


def test_the_same_command_again_reads_what_is_there_and_shows_it_beside_the_paper(
    micro: tuple[Path, Done], copied: Path
) -> None:
    before = runs(copied)
    again = selftaught("reproduce", "paper", "--config", "micro.toml", cwd=copied)
    assert again.code == 0, again.stderr
    assert runs(copied) == before
    assert "is in the store already" in again.stderr
    tables, _, more = again.stdout.partition("More\n")
    assert "Two small runs, to see that it goes." in tables
    assert "Meta-utility on test of flow_shop, over 2 runs" in tables
    best = json.loads(micro[1].stdout)["best"]
    assert f"The best improver, {best['improver_id'][:8]}, at the end of its run" in tables
    assert best["source"].splitlines()[-1] in tables
    assert content_id(best["source"]) == best["improver_id"]
    row = next(line for line in tables.splitlines() if line.startswith("  published"))
    assert row.split() == ["published", "0.0000", "0.5870", "0.7420"]
    assert "Zelikman et al. 2024 (arXiv 2310.02304), Table 1" in tables
    assert all(run_id in more for run_id in (before[0][0], before[-1][0]))


def test_a_part_that_was_cut_goes_on_and_nothing_else_is_done_again(
    micro: tuple[Path, Done], copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a kill leaves it: the transfer in its second task, its end unwritten."""
    before = runs(copied)
    study = before[0][0]
    with sqlite3.connect(copied / "selftaught.db") as database:
        query = "SELECT seq FROM events WHERE run_id = ? AND kind = 'transfer' ORDER BY seq"
        first = database.execute(query, (study,)).fetchall()[0][0]
        database.execute("DELETE FROM events WHERE seq > ?", (first + 10,))
        database.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'", (first + 10,))
    assert runs(copied)[0] == (study, "transfer", "killed")
    found = result(capsys)
    assert runs(copied) == before
    whole = json.loads(micro[1].stdout)
    assert found["series"] == whole["series"]
    assert found["transfer"]["tasks"] == whole["transfer"]["tasks"]
    with sqlite3.connect(copied / "selftaught.db") as database:
        query = "SELECT count(*) FROM events WHERE run_id = ? AND kind = 'run'"
        assert database.execute(query, (study,)).fetchone() == (2,)


def test_another_configuration_is_another_protocol(
    copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = runs(copied)
    text = MICRO.replace("repeats = 2", "repeats = 1").replace('"descent", "maxcut"', '"descent"')
    (copied / "micro.toml").write_text(text)
    found = result(capsys)
    assert [kind for _, kind, _ in runs(copied)] == ["transfer", "run", "transfer", "run", "run"]
    assert "series_id" not in found["series"]
    assert found["series"]["run_id"] not in {run_id for run_id, _, _ in before}
    assert result(capsys) == found  # a run by itself is read, too
    assert edge.run(command, ["reproduce", "paper", "--config", "micro.toml"]) == 0
    assert "over one run" in capsys.readouterr().out


@pytest.mark.slow
def test_the_budget_is_that_of_the_whole_protocol(
    micro: tuple[Path, Done], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "micro.toml").write_text(MICRO)
    limit = int(json.loads(micro[1].stdout)["series"]["usage"]["lm_calls"])
    found = result(capsys, "--lm-calls", str(limit))
    assert found["usage"]["lm_calls"] <= limit
    assert found["state"] == "budget"
    # What the runs have left may be too little for any transfer, or for all of it.
    ended = found["no_transfer"] if found["transfer"] is None else found["transfer"]["state"]
    assert "budget" in ended
    again = result(capsys, "--lm-calls", str(limit))
    assert (again["no_transfer"], again["usage"]) == (found["no_transfer"], found["usage"])


def test_the_best_run_is_the_best_on_val_of_those_with_another_improver() -> None:
    def run(name: str, first: str, last: str, val: float) -> dict[str, Any]:
        steps = [{"improver_id": first, "val": {"mean": 1.0}}, {"val": {"mean": val}}]
        return {"run_id": name, "iterations": steps, "best_improver_id": last}

    a, b = run("a", "seed", "other", 0.3), run("b", "seed", "another", 0.4)
    stood = run("c", "seed", "seed", 0.9)
    assert best_run([a, b, stood]) == b
    assert best_run([stood]) is None


PARTED = """\
PARTS = ("asks", "thanks")


def improve_algorithm(initial_solution, utility, language_model):
    if "asks" in PARTS:
        replies = language_model.prompt("An expert.", "Improve it.", n_responses=2)
        return max([initial_solution, *map(extract_code, replies)], key=utility)
    return initial_solution
"""
ENGINE = """\
tasks = ["flow_shop"]
improvers = ["parted.py", "plain.py"]
samples = [2]
seeds = 2
"""


@pytest.fixture
def engine(here: Path) -> tuple[str, ...]:
    """A folder with two improvers, of which one has parts, and the command that measures them."""
    (here / "parted.py").write_text(f"from helpers import extract_code\n\n{PARTED}")
    (here / "plain.py").write_text(
        "def improve_algorithm(solution, utility, model): return solution"
    )
    (here / "engine.toml").write_text(ENGINE)
    program = load_task("flow_shop").seed_program().source.replace("0.8", "1.8")
    (here / "texts.json").write_text(json.dumps([f"```python\n{program}\n```"]))
    return ("reproduce", "engine", "--config", "engine.toml", "--model", "scripted:texts.json")


def test_the_engine_is_measured_whole_and_without_each_of_its_parts_and_only_once(
    engine: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edge.run(command, [*engine, "--estimate", "--json"]) == 0
    steps = {one["name"] for one in json.loads(capsys.readouterr().out)["steps"]}
    names = ["parted.py", "plain.py", "parted.py -asks", "parted.py -thanks"]
    assert steps == set(names)
    assert edge.run(command, [*engine, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in found["improvers"]] == names
    assert [one["samples"] for one in found["tasks"][0]["improvers"]] == [2, 0, 0, 2]
    assert edge.run(command, engine) == 0  # again, and in words
    assert "Area, improver - parted.py, over 2 seeds" in capsys.readouterr().out
    assert [kind for _, kind, _ in runs(here)] == ["bench"]


def test_the_shipped_engine_takes_each_part_out_of_evolve(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    assert edge.run(command, ["reproduce", "engine", "--show", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    parts = ("said", "best", "unlike", "vain", "ideas")
    ablated = [f"evolve -{part}" for part in parts]
    assert shown["improvers"] == ["evolve", "greedy", "best_of_n", *ablated]
    whole = shown["programs"]["evolve"]
    for part, name in zip(parts, ablated, strict=True):
        source = shown["programs"][name]
        assert whole.count(f'"{part}"') - 1 == source.count(f'"{part}"') + source.count(f"'{part}'")


def test_an_engine_without_parts_is_refused(
    engine: tuple[str, ...], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "engine.toml").write_text(ENGINE.replace("parted.py", "greedy"))
    assert edge.run(command, engine) == 2
    assert "no improver of engine.toml has a line `PARTS = (...)`" in capsys.readouterr().err
    assert not (here / "selftaught.db").exists()
