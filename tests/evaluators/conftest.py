"""Evaluators in files, and one sandbox for all that they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

import selftaught as st
from selftaught.testing.scoring import scorer
from selftaught.testing.task_conformance import Scorer


@pytest.fixture(scope="module")
def score() -> Iterator[Scorer]:
    with scorer() as ask:
        yield ask


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., st.Task]:
    """A task of a program and the body of an evaluator."""

    def make(program: str, evaluator: str, **task: Any) -> st.Task:
        (tmp_path / "initial_program.py").write_text(dedent(program))
        (tmp_path / "evaluator.py").write_text(dedent(evaluator))
        return st.from_openevolve(
            tmp_path / "initial_program.py", tmp_path / "evaluator.py", **{"name": "own", **task}
        )

    return make
