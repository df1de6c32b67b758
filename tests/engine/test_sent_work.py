"""Work and errors that are sent to another process, and back."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from selftaught.app.discovery import load_task, task_names
from selftaught.core.errors import (
    BudgetExceeded,
    ConfigError,
    InfrastructureError,
    JournalEnds,
    ModelFailure,
    SandboxUnavailable,
    SelfTaughtError,
    TierProbe,
)
from selftaught.core.outcome import Failed, Scored
from selftaught.core.ports import Evaluation, GuestLimits, Question
from selftaught.core.program import Program
from selftaught.core.task import ProgramFailed, Task
from selftaught.engine.utility_error import UtilityError
from selftaught.studies.bookkeeping import NothingMeasured
from selftaught.studies.first_program import NoFirstProgram

TASK_FILE = '''
import selftaught as st

def utility(program, rng):
    """The half."""
    return program(1) / 2

task = st.Task("mine", "def algorithm(x): return x", utility, (0.0, 1.0))
'''

# What another process does with work that it gets: it says which task it has found.
ELSEWHERE = """
import pickle, sys
from selftaught.core.errors import SelfTaughtError
try:
    work = pickle.load(sys.stdin.buffer)
    said = work.question.task.name, work.question.task.version, work.program.source, work.limits
except SelfTaughtError as error:
    said = error
pickle.dump(said, sys.stdout.buffer)
"""


def work_on(task: Task) -> Evaluation:
    question = Question(task, "val", "3")
    return Evaluation(Program("p = 1"), question, 7, "secret", GuestLimits(cpu_s=2.5))


def elsewhere(pickled: bytes) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], input=pickled, stdout=subprocess.PIPE, check=True
    )
    return pickle.loads(done.stdout)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TASK_FILE)
    return path


@pytest.mark.parametrize("name", task_names())
def test_every_task_that_is_installed_is_sent_by_its_place(name: str) -> None:
    task = load_task(name)
    pickled = pickle.dumps(work_on(task))
    assert len(pickled) < 2000
    again = pickle.loads(pickled)
    assert again.question.task is task
    assert again == work_on(task)
    assert again.program.id == Program("p = 1").id


@pytest.mark.parametrize("name", ["bin_packing_or", "a file"])
def test_another_process_finds_the_task(name: str, file: Path) -> None:
    task = load_task(file if name == "a file" else name)
    said = elsewhere(pickle.dumps(work_on(task)))
    assert said == (task.name, task.version, "p = 1", GuestLimits(cpu_s=2.5))


def test_a_task_whose_seed_the_model_wrote_is_found_by_that_of_the_user(file: Path) -> None:
    task = replace(load_task(file), seed="def algorithm(x): return x + 1", entry="algorithm")
    assert elsewhere(pickle.dumps(work_on(task)))[:2] == ("mine", task.version)
    assert pickle.loads(pickle.dumps(work_on(task))) == work_on(task)


def test_a_task_whose_file_has_changed_is_not_taken_for_the_same(file: Path) -> None:
    pickled = pickle.dumps(work_on(load_task(file)))
    file.write_text(TASK_FILE.replace("/ 2", "/ 3"))
    said = elsewhere(pickled)
    assert isinstance(said, InfrastructureError)
    assert f"{file}, `task`, does not have the version" in str(said)


def test_a_process_that_has_an_older_file_loads_it_anew(file: Path) -> None:
    file.write_text(TASK_FILE.replace("/ 2", "/ 3"))
    newer = load_task(file)
    pickled = pickle.dumps(work_on(newer))
    file.write_text(TASK_FILE)
    assert load_task(file).version != newer.version
    file.write_text(TASK_FILE.replace("/ 2", "/ 3"))
    assert pickle.loads(pickled).question.task.version == newer.version


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (None, "FileNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def f(:", "SyntaxError"),
        ("other = 1", "does not have the version"),
    ],
)
def test_a_task_that_is_not_to_be_had_there_is_a_failure_of_ours(
    then: str | None, said: str, file: Path
) -> None:
    pickled = pickle.dumps(work_on(load_task(file)))
    if then is None:
        file.unlink()
    else:
        file.write_text(then)
    error = elsewhere(pickled)
    assert isinstance(error, InfrastructureError)
    assert said in str(error)
    assert str(file) in str(error)


def test_a_task_that_no_module_holds_is_refused_in_one_line() -> None:
    task = Task("lone", "x", lambda program, rng: 0.5, (0.0, 1.0), description="a notebook's")
    with pytest.raises(ConfigError) as told:
        pickle.dumps(work_on(task))
    assert str(told.value) == (
        "task lone: it cannot be sent to another process, because no module holds it: "
        "define it as `task = st.Task(...)` in a file of its own"
    )


FAILURE = Failed("raised", "1 / 0", 0.5)
ERRORS: list[SelfTaughtError] = [
    ConfigError("wrong"),
    InfrastructureError("broken", retryable=True),
    ModelFailure("busy", kind="limited", retry_after_s=2.5, status=429, notice="so it is"),
    BudgetExceeded("usd", 1, 2, "run", held=1),
    JournalEnds("read a clock"),
    SandboxUnavailable((TierProbe("sealed", False, "no seccomp"),)),
    ProgramFailed(FAILURE),
    UtilityError(
        load_task("maxcut"), "hung", fault="hangs", place=(Path("a.py"), 3), asked=True, then="!"
    ),
    NoFirstProgram("none"),
    NothingMeasured("nothing"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_are_the_same_after_a_journey(error: SelfTaughtError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.args == error.args
    assert vars(again) == vars(error)


def test_outcomes_are_the_same_after_a_journey() -> None:
    for outcome in (FAILURE, Scored(1.5, "well", (1.0, 2.0), {"sum": 3.0}, 0.25, "sealed")):
        assert pickle.loads(pickle.dumps(outcome)) == outcome
