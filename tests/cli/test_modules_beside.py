"""Modules beside a task file: for its utility as they are, for candidates by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import selftaught

TASK = """\
import selftaught as st
from scorer_beside import score


def utility(program, rng):
    from late_beside import LEAST

    return max(LEAST, score(program()))


SEED = "from helper_beside import VALUE\\n\\ndef algorithm():\\n    return VALUE\\n"
task = st.Task("mine", SEED, utility, (0.0, 1.0))
"""


@pytest.fixture
def project(here: Path) -> Path:
    folder = here / "project"
    folder.mkdir()
    for parent in (here, *here.parents[:-2], folder):
        if parent.owner() == here.owner():
            parent.chmod(0o755)
    (folder / "mine.py").write_text(TASK)
    (folder / "scorer_beside.py").write_text("def score(value):\n    return value / 2\n")
    (folder / "late_beside.py").write_text("LEAST = 0.0\n")
    (folder / "helper_beside.py").write_text("VALUE = 1.0\n")
    return here


@pytest.mark.parametrize("tier", ["sealed", "namespaced"])
def test_a_utility_imports_what_lies_beside_it_and_a_candidate_what_is_named(
    tier: str, project: Path
) -> None:
    command = ("improve", "project/mine.py", "--lm-calls", "1", "--tier", tier, "--json")
    done = selftaught(*command, "--module", "helper_beside", cwd=project)
    if "namespaced" in done.stderr and done.code == 4:
        pytest.skip("this machine has no namespaces")
    assert done.code == 0, done.stderr
    assert json.loads(done.stdout)["seed"]["test"]["mean"] == 0.5


def test_the_model_is_told_what_a_program_can_import(project: Path) -> None:
    (task,) = json.loads(selftaught("tasks", "project/mine.py", "--json", cwd=project).stdout)[
        "tasks"
    ]
    told = task["description"].splitlines()[-1]
    assert told.startswith("# A program can import these modules and no others: abc, array, ")
    assert told.endswith(", numpy.random")
