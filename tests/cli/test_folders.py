"""A program of several files, as a user has it: improved, shown, compared and written to run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from installed import Done, selftaught

from selftaught.core.program import files_of

HERE = Path(__file__).parents[1] / "log_parser"
BETTER = """\
Levels have other names too, and times may have a T and a zone.

fields.py
<<<<<<< SEARCH
    "warning": "warning",
    "error": "error",
    "critical": "critical",
=======
    "notice": "info",
    "warn": "warning",
    "warning": "warning",
    "err": "error",
    "error": "error",
    "crit": "critical",
    "fatal": "critical",
    "critical": "critical",
>>>>>>> REPLACE
<<<<<<< SEARCH
    re.compile(rf"\\d{{4}}-(?P<month>\\d\\d)-(?P<day>\\d\\d) {CLOCK}"),
=======
    re.compile(rf"\\d{{4}}-(?P<month>\\d\\d)-(?P<day>\\d\\d)[ T]{CLOCK}Z?"),
>>>>>>> REPLACE
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The task in a folder `logs`, and what a model answers."""
    made = tmp_path_factory.mktemp("several")
    shutil.copytree(HERE, made / "logs", ignore=shutil.ignore_patterns("__pycache__"))
    (made / "answers.json").write_text(json.dumps([BETTER]), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def improved(folder: Path) -> Done:
    done = selftaught(
        "improve", "logs", "--model", "scripted:answers.json", "--samples", "1",
        "--out", "best", "--json", cwd=folder,
    )  # fmt: skip
    assert done.code == 0, done.stderr
    return done


def said(done: Done) -> dict[str, Any]:
    return dict(json.loads(done.stdout))


def test_a_log_parser_becomes_better_by_edits_of_one_of_its_four_files(improved: Done) -> None:
    result = said(improved)
    assert result["seed"]["test"]["mean"] < 0.92
    assert result["best"]["test"]["mean"] > 0.96
    assert result["vs_seed"]["ci95"][0] > 0
    before, after = files_of(said_seed(result)), files_of(result["best"]["source"])
    assert before is not None
    assert after is not None
    assert [path for path in before if before[path] != after[path]] == ["fields.py"]
    assert sum(len(text.splitlines()) for text in before.values()) > 350


def said_seed(result: dict[str, Any]) -> str:
    return str(result["seed"]["source"])


def test_the_best_comes_out_as_a_folder_that_runs_without_us(improved: Done, folder: Path) -> None:
    files = files_of(said(improved)["best"]["source"])
    assert files is not None
    written = {path.name: path.read_text() for path in (folder / "best").iterdir()}
    assert written == dict(files)
    line = "2024-01-02 03:04:05,678 FATAL shop.cart - no space left on device"
    program = f"from main import algorithm; print(algorithm({line!r})['level'])"
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", program],
        cwd=folder / "best",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "critical\n"


def test_runs_and_programs_show_file_by_file_what_changed(improved: Done, folder: Path) -> None:
    result = said(improved)
    for shown in (result["run_id"], result["best"]["program_id"]):
        text = selftaught("show", shown, cwd=folder, COLUMNS="200").stdout
        assert re.search(r"^ *--- \w+/fields\.py\n *\+\+\+ \w+/fields\.py$", text, re.MULTILINE)
        assert "/words.py" not in text
    assert all(f": {path}" in text for path in ("main.py", "fields.py", "words.py"))
    assert "# ==== file" not in text


def test_a_folder_is_written_anew_only_by_force(improved: Done, folder: Path) -> None:
    best = said(improved)["best"]["program_id"]
    before = (folder / "best" / "fields.py").read_text()
    (folder / "best" / "fields.py").write_text("mine")
    (folder / "best" / "own.txt").write_text("mine")
    refused = selftaught("show", best, "--out", "best", cwd=folder)
    assert (refused.code, refused.stderr.count("\n")) == (2, 1)
    assert (folder / "best" / "fields.py").read_text() == "mine"
    assert selftaught("show", best, "--out", "best", "--force", cwd=folder).code == 0
    assert (folder / "best" / "fields.py").read_text() == before
    assert (folder / "best" / "own.txt").read_text() == "mine"


def test_a_file_for_a_program_of_several_is_refused_before_anything(folder: Path) -> None:
    stores = sorted(path.name for path in folder.iterdir())
    refused = selftaught("improve", "logs", "--samples", "1", "--out", "x.py", cwd=folder)
    assert (refused.code, refused.stderr.count("\n")) == (2, 1)
    assert "the program has several files: give a folder" in refused.stderr
    assert sorted(path.name for path in folder.iterdir()) == stores


def test_the_embedded_model_edits_one_of_the_files(folder: Path) -> None:
    done = selftaught(
        "improve", "logs", "--improver", "seed", "--lm-calls", "1", "--store", "sqlite:///m.db",
        "--json", cwd=folder,
    )  # fmt: skip
    assert done.code == 0, done.stderr
    run_id = said(done)["run_id"]
    store = ("--store", "sqlite:///m.db", "--json")
    trace = said(selftaught("show", run_id, "--trace", *store, cwd=folder))["trace"]
    ids = {
        reply["program_id"] for run in trace for call in run["calls"] for reply in call["replies"]
    }
    assert len(ids) > 1
    seed = files_of(said_seed(said(done)))
    for program_id in ids:
        files = files_of(said(selftaught("show", program_id, *store, cwd=folder))["source"])
        assert files is not None
        assert seed is not None
        assert files.keys() == seed.keys()
        assert sum(files[path] != seed[path] for path in seed) <= 1


def wrong(folder: Path, files: dict[str, str], task: str = "seed=Path('program')") -> str:
    """What `improve` says of a task with these files."""
    for name, text in files.items():
        path = folder / "program" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "task.py").write_text(
        "from pathlib import Path\nimport selftaught as st\n\n"
        "def utility(program, rng):\n    return float(program(2))\n\n"
        f"task = st.Task('x', {task}, utility=utility)\n",
        encoding="utf-8",
    )
    done = selftaught("improve", ".", "--samples", "1", cwd=folder)
    assert (done.code, done.stdout) == (2, ""), done
    assert done.stderr.count("\n") == 1
    assert not (folder / "selftaught.db").exists()
    return done.stderr


GOOD = "def algorithm(x):\n    return x\n"


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"main.py": GOOD, "json.py": ""}, "json is the name of a module that is there already"),
        ({"main.py": GOOD, "my-tools.py": ""}, "'my-tools.py' is no path of a program's file"),
        ({"a.py": GOOD, "b.py": GOOD}, "a.py and b.py do"),
        ({"a.py": "x = 1\n"}, "has to define 'algorithm': none does"),
        ({"__init__.py": "", "main.py": GOOD}, "give the folder above it"),
        ({"notes.txt": "no program"}, "has no .py file"),
        ({f"f{n}.py": "" for n in range(101)}, "at most 100 files"),
    ],
)
def test_a_folder_that_is_no_program_is_refused_with_its_reason(
    files: dict[str, str], says: str, tmp_path: Path
) -> None:
    assert says in wrong(tmp_path, files)


def test_a_program_cannot_hold_the_tasks_own_file(tmp_path: Path) -> None:
    said = wrong(tmp_path, {"main.py": GOOD}, task="seed=Path('.')")
    assert "task.py is the task's own file" in said
