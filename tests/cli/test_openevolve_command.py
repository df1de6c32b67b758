"""`selftaught improve --openevolve`, and all that a run can be asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import selftaught

PROGRAM = """\
\"\"\"What is fixed.\"\"\"
SHIFT = 1.0


# EVOLVE-BLOCK-START
def guess(x):
    return x * 3.5 - 1.25
# EVOLVE-BLOCK-END


def run(x):
    # stays as it is
    return guess(x) + SHIFT
"""
EVALUATOR = """\
import importlib.util


def evaluate(program_path):
    spec = importlib.util.spec_from_file_location("program", program_path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    print("prints")
    error = abs(program.run(2.0) - 7.0) / program.SHIFT
    return {"combined_score": -error, "artifacts": {"error": error}}
"""
CONFIG = """\
max_iterations: 9
random_seed: 3
database: {num_islands: 4}
evaluator: {timeout: 20, parallel_evaluations: 3}
prompt: {system_message: Find the number.}
"""
FILES = ("--openevolve", "initial_program.py", "evaluator.py")


@pytest.fixture
def files(here: Path) -> Path:
    (here / "initial_program.py").write_text(PROGRAM)
    (here / "evaluator.py").write_text(EVALUATOR)
    (here / "config.yaml").write_text(CONFIG)
    return here


def test_a_run_goes_on_and_comes_again_and_its_best_program_is_the_marked_one(files: Path) -> None:
    done = selftaught("improve", *FILES, "--lm-calls", "3", "--json", "--out", "b.py", cwd=files)
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    best = (files / "b.py").read_text()
    assert best == found["best"]["source"]
    before, _, after = best.partition("# EVOLVE-BLOCK-START")
    assert before == PROGRAM.partition("# EVOLVE-BLOCK-START")[0]
    assert after.endswith(PROGRAM.partition("# EVOLVE-BLOCK-END")[2])
    run = found["run_id"]
    more = selftaught("resume", run, "--lm-calls", "5", "--json", cwd=files)
    assert more.code == 0, more.stderr
    assert json.loads(more.stdout)["usage"]["lm_calls"] == 5
    again = selftaught("replay", run, cwd=files)
    assert (again.code, "the same, event by event" in again.stdout) == (0, True), again.stdout
    shown = selftaught("show", run, cwd=files)
    assert (shown.code, "combined_score" in shown.stdout) == (0, True), shown.stdout
    (files / "evaluator.py").write_text(f"{EVALUATOR}# another\n")
    changed = selftaught("resume", run, "--lm-calls", "6", cwd=files)
    assert changed.code == 2
    assert "has changed since run" in changed.stderr
    assert "evaluator.py" in changed.stderr


def test_what_of_a_config_has_a_meaning_is_taken_and_the_rest_named(files: Path) -> None:
    done = selftaught("improve", *FILES, "config.yaml", "--json", cwd=files)
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["usage"]["samples"] == 9
    assert "no use here for database, evaluator.parallel_evaluations of config.yaml" in done.stderr
    tasks = selftaught(
        "tasks", "openevolve:initial_program.py:evaluator.py:config.yaml", "--json", cwd=files
    )
    assert json.loads(tasks.stdout)["tasks"][0]["description"].startswith("Find the number.")


@pytest.mark.parametrize(
    ("evaluator", "said"),
    [
        ("def evaluate(p):\n    return 3\n", "returned int, not a dict"),
        ("def evaluate(p):\n    while True: pass\n", "has not returned for 2 s"),
        ("import nowhere\n", "No module named 'nowhere'"),
    ],
)
def test_a_wrong_evaluator_ends_the_command_with_a_line_and_writes_nothing(
    files: Path, evaluator: str, said: str
) -> None:
    (files / "evaluator.py").write_text(evaluator)
    (files / "config.yaml").write_text("evaluator: {timeout: 2}\n")
    done = selftaught("improve", *FILES, "config.yaml", cwd=files)
    assert done.code == 2
    assert said in done.stderr
    assert "evaluator.py:" in done.stderr
    assert not (files / "selftaught.db").exists()


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("max_iterations: many\n", "max_iterations cannot be 'many'"),
        ("llm: {temperature: 0.3}\n", "llm names no model"),
        ("llm: 3\n", "llm must be a table"),
        ("a: [\n", "is not YAML"),
    ],
)
def test_a_config_that_makes_no_sense_is_told_in_a_line(
    files: Path, config: str, said: str
) -> None:
    (files / "config.yaml").write_text(config)
    done = selftaught("improve", *FILES, "config.yaml", cwd=files)
    assert (done.code, said in done.stderr) == (2, True), done.stderr


def test_without_a_task_the_command_says_what_is_missing(here: Path) -> None:
    done = selftaught("improve", cwd=here)
    assert (done.code, "missing argument 'TASK|FILE'" in done.stderr) == (2, True), done.stderr
