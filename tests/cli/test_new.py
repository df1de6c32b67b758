"""`new-task` and `new-improver`: what they write works as it stands, and replaces nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed import Done, environment, selftaught

from selftaught.app.discovery import load_task
from selftaught.cli import edge
from selftaught.cli.main import selftaught as group

TASK_FILES = [
    *("mine.py", "mine_cheats", "mine_cheats/lighter_items.py", "mine_cheats/more_items.py"),
    *("mine_seed.py", "test_mine.py"),
]
IMPROVER_FILES = ["mine.py", "test_mine.py"]
WRITTEN = {"new-task": TASK_FILES, "new-improver": IMPROVER_FILES}

SMALL = (
    *("--iterations", "1", "--search-runs", "1", "--val-runs", "2", "--test-runs", "2"),
    *("--calls", "2", "--samples-per-call", "2", "--utility-uses", "5"),
)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def passed(folder: Path, file: str) -> str:
    """What pytest says at last of a module, run as its author runs it."""
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", file)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


def refused(done: Done) -> str:
    """The one line of a refusal."""
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("selftaught: error: ")


def test_a_new_task_passes_its_own_tests_and_can_be_improved_at_once(here: Path) -> None:
    done = selftaught("new-task", "mine", cwd=here)
    assert (done.code, done.stderr) == (0, "")
    assert files(here) == TASK_FILES
    assert done.stdout.splitlines()[-2:] == [
        "  python -m pytest test_mine.py",
        "  selftaught improve mine.py --lm-calls 4",
    ]
    assert re.fullmatch(r"\d\d passed in .*", passed(here, "test_mine.py"))

    improved = selftaught("improve", "mine.py", "--lm-calls", "2", "--json", cwd=here)
    assert improved.code == 0, improved.stderr
    result = json.loads(improved.stdout)
    assert result["task"] == "mine"
    assert result["seed"]["test"]["mean"] < result["best"]["test"]["mean"] < 0.995


def test_the_model_is_shown_what_is_scored_and_not_what_is_told_to_its_author(here: Path) -> None:
    selftaught("new-task", "mine", cwd=here)
    task = load_task(here / "mine.py")
    assert "`algorithm(values, weights, capacity) -> priority`" in task.described()
    assert "# " not in task.described()


@pytest.mark.slow
def test_a_new_improver_passes_its_own_tests_and_runs(here: Path) -> None:
    done = selftaught("new-improver", "mine", cwd=here)
    assert (done.code, done.stderr) == (0, "")
    assert files(here) == IMPROVER_FILES
    assert done.stdout.splitlines()[-2:] == [
        "  python -m pytest test_mine.py",
        "  selftaught run bin_packing --improver mine.py",
    ]
    assert "2 passed" in passed(here, "test_mine.py")

    run = selftaught("run", "flow_shop", "--improver", "mine.py", *SMALL, "--json", cwd=here)
    assert run.code == 0, run.stderr
    assert json.loads(run.stdout)["state"] == "done"


@pytest.mark.parametrize("command", WRITTEN)
def test_what_is_written_is_formatted_and_named(command: str, here: Path) -> None:
    selftaught(command, "mine", cwd=here)
    for check in (("format", "--check"), ("check", "--select", "E,F,W,I,B,UP,N,PT")):
        done = subprocess.run(
            [Path(sys.executable).parent / "ruff", *check, "--isolated", "--no-cache", "."],
            cwd=here,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    assert all("{{" not in path.read_text() for path in here.rglob("*.py"))


@pytest.mark.parametrize("command", WRITTEN)
@pytest.mark.parametrize("there", ["mine.py", "test_mine.py"])
def test_nothing_is_overwritten_and_nothing_half_written(
    command: str, there: str, here: Path
) -> None:
    (here / there).write_text("mine")
    said = refused(selftaught(command, "mine", cwd=here))
    assert said == f"nothing is overwritten, and there is {there}: give another name\n"
    assert files(here) == [there]
    assert (here / there).read_text() == "mine"


def test_a_folder_of_cheats_that_is_there_is_not_added_to(here: Path) -> None:
    (here / "mine_cheats").mkdir()
    assert "there is mine_cheats: " in refused(selftaught("new-task", "mine", cwd=here))
    assert files(here) == ["mine_cheats"]


@pytest.fixture
def _signals() -> Iterator[None]:
    """The edge takes over signals; here they are put back."""
    kept = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for signum, handler in kept.items():
        signal.signal(signum, handler)


NO_NAMES = {
    "": "is not a name",
    "my-task": "is not a name",
    "my task": "is not a name",
    "1st": "is not a name",
    "_mine": "is not a name",
    "größe": "is not a name",
    "mine.py": "is not a name",
    "../mine": "is not a name",
    "a" * 65: "is not a name",
    "mine\n": "is not a name",
    "class": "a word of Python's own",
    "random": "random.py would hide the Python module random",
    "numpy": "numpy.py would hide the Python module numpy",
    "selftaught": "selftaught.py would hide the Python module selftaught",
}


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("command", WRITTEN)
@pytest.mark.parametrize("name", NO_NAMES)
def test_a_name_that_does_not_do_is_refused_in_one_line(
    command: str, name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edge.run(group, [command, name]) == 2
    said = capsys.readouterr()
    assert NO_NAMES[name] in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert files(here) == []


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("command", WRITTEN)
def test_a_folder_that_is_gone_is_told(
    command: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = here / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert edge.run(group, [command, "mine"]) == 2
    assert "cannot be written (No such file or directory); nothing was written" in (
        capsys.readouterr().err
    )


# The seed and the cheats fit, the tests do not.
LIMITED = """
import resource, signal, sys
from selftaught.cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
main(["new-task", "mine"])
"""


def test_a_disk_that_is_full_leaves_nothing_behind(here: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(limit=1000)],
        cwd=here,
        env=environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == (
        "selftaught: error: test_mine.py cannot be written (File too large); nothing was written\n"
    )
    assert files(here) == []
