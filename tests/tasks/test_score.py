"""`st.score` takes a program in every form that users have one in."""

from __future__ import annotations

from pathlib import Path

import pytest

import selftaught as st
from selftaught.app.discovery import load_task, task_names
from selftaught.core.errors import ConfigError

TASK = """\
from pathlib import Path

import selftaught as st


def utility(program, rng):
    return program()


task = st.Task("said", Path("seed.py"), utility, (0.0, 10.0), description="Say more.")
"""


def program(value: float) -> str:
    return f"def algorithm():\n    return {value}\n"


def worth(outcome: st.Scored | st.Failed) -> float:
    assert isinstance(outcome, st.Scored), outcome
    return outcome.value


@pytest.mark.parametrize("name", task_names())
def test_the_seed_of_a_shipped_task_is_scored_wherever_one_stands(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    task = load_task(name)
    assert task.seed is not None
    assert task.seed_score is not None
    value = worth(st.score(task, task.seed))
    assert task.seed_score[0] <= value <= task.seed_score[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with one above it that holds a task and its seed."""
    (tmp_path / "task.py").write_text(TASK)
    (tmp_path / "seed.py").write_text(program(1.0))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


def test_text_a_file_and_a_program_are_scored(folder: Path) -> None:
    Path("mine.py").write_text(program(2.0))
    task = load_task(folder / "task.py")
    for given in (program(2.0), Path("mine.py"), Path("mine.py").resolve()):
        assert worth(st.score(task, given)) == 2.0
    assert worth(st.score(task, task.seed_program())) == 1.0


def test_the_tasks_own_seed_is_the_tasks_and_another_file_of_its_name_is_the_callers(
    folder: Path,
) -> None:
    task = load_task(folder / "task.py")
    assert isinstance(task.seed, Path)
    assert worth(st.score(task, Path("seed.py"))) == 1.0  # there is no other
    Path("seed.py").write_text(program(3.0))
    assert worth(st.score(task, task.seed)) == 1.0
    assert worth(st.score(task, Path("seed.py"))) == 3.0


def test_what_is_no_program_is_named(folder: Path) -> None:
    task = load_task(folder / "task.py")
    with pytest.raises(ConfigError, match=r"cannot read the program nowhere\.py"):
        st.score(task, Path("nowhere.py"))
    with pytest.raises(ConfigError, match="must be source text, a Path or a Program, not None"):
        st.score(task, None)  # type: ignore[arg-type]
