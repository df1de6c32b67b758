"""Wrong input: one clear line on stderr, exit code 2, and nothing written."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed import selftaught as installed

from selftaught.cli import edge
from selftaught.cli.main import selftaught


@pytest.fixture
def _signals() -> Iterator[None]:
    """The edge takes over signals; here they are put back."""
    kept = {signum: signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for signum, handler in kept.items():
        signal.signal(signum, handler)


def refused(stderr: str) -> str:
    """The one line, without its beginning."""
    beginning = "selftaught: error: "
    assert stderr.startswith(beginning)
    assert stderr.count("\n") == 1, stderr
    assert stderr.endswith("\n")
    return stderr.removeprefix(beginning)


WRONG = {
    "frob": "no such command 'frob'",
    "--frob": "no such option '--frob'",
    "run --frob": "no such option '--frob'",
    "run nope": "unknown task 'nope'",
    "run flow_shop flow_shop": "each task can be given once",
    "run nowhere/task.py": "there is no task file nowhere/task.py",
    "run --iterations 0": "'--iterations': 0 is not in the range x>=1",
    "run --iterations many": "'--iterations': 'many' is not a whole number",
    "run --lm-calls -3": "'--lm-calls': -3 is not in the range x>=1",
    "run --usd 0": "'--usd': 0",
    "run --usd nan": "budget.usd must be a finite number, not nan",
    "run --wall-s inf": "budget.wall_s must be a finite number, not inf",
    "run --samples-per-call 0": "'--samples-per-call'",
    "run --accept all": "'--accept': 'all' is not one of",
    "run --tier none": "'--tier': 'none' is not one of",
    "run --model gpt": "must be written provider:model",
    "run --model gpt:5": "unknown model provider 'gpt'",
    "run --improver nope": "unknown improver 'nope': it is no name (annealing, bandit, "
    "beam_search, best_of_n, chain_of_thought, earlier_seed, evolve, genetic, greedy, seed, "
    "sequential), no file, and no run",
    "run --store nowhere.db": "is not a database URL",
    "run --store sqlite:////nowhere/x.db": "the folder /nowhere does not exist",
    "run --config nowhere.toml": "cannot read the configuration nowhere.toml",
    "improve": "missing argument 'TASK|FILE' (see selftaught improve --help)",
    "improve flow_shop --patience 0": "'--patience'",
    "improve flow_shop --out .": "--out . is a folder",
    "improve flow_shop --out nowhere/best.py": "there is no folder nowhere",
    "tasks nope": "unknown task 'nope'",
    "runs --store sqlite:///other.db": "there is no such file",
    "show latest": "no runs here yet; give another store, or start a run: selftaught run",
    "show": "missing argument 'RUN|PROGRAM [RUN]...'",
}


@pytest.mark.parametrize("typed", WRONG)
@pytest.mark.usefixtures("_signals")
def test_wrong_input_is_one_line_that_names_it(
    typed: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edge.run(selftaught, typed.split()) == 2
    said = capsys.readouterr()
    assert WRONG[typed] in refused(said.err)
    assert said.out == ""
    assert list(here.iterdir()) == []


TASK_FILE = """
import selftaught as st
def utility(program, rng):
    return float(program(1, cpu_s=0.1))
task = st.Task(name="mine", seed={seed!r}, utility=utility, range=(0.0, 1.0))
{more}
"""
HONEST_SEED = "def algorithm(x):\n    return 0.5\n"

BROKEN_TASKS = {
    "raises": (TASK_FILE.format(seed=HONEST_SEED, more="1 / 0"), "raised ZeroDivisionError"),
    "is_no_python": ("def task(:\n", "line 1"),
    "holds_no_task": ("x = 1\n", "defines no `task"),
    "seed_does_not_parse": (TASK_FILE.format(seed="def algorithm(:", more=""), "syntax"),
    "seed_has_no_entry": (TASK_FILE.format(seed="x = 1\n", more=""), "no_code"),
}


@pytest.mark.parametrize("name", BROKEN_TASKS)
def test_a_broken_task_file_is_named_before_anything_is_written(name: str, here: Path) -> None:
    source, reason = BROKEN_TASKS[name]
    (here / "mine.py").write_text(source)
    done = installed("improve", "mine.py", "--json", cwd=here)
    assert reason in refused(done.stderr)
    assert (done.code, done.stdout) == (2, "")
    assert not list(here.glob("*.db*"))


def test_an_improver_that_does_not_parse_is_named_before_anything_is_written(here: Path) -> None:
    (here / "better.py").write_text("def improve_algorithm(:\n")
    done = installed("improve", "flow_shop", "--improver", "better.py", cwd=here)
    assert "the improver does not load: syntax" in refused(done.stderr)
    assert done.code == 2
    assert not list(here.glob("*.db*"))


@pytest.mark.usefixtures("_signals")
def test_a_store_that_is_a_file_of_something_else_is_left_as_it_is(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "notes.db").write_text("my notes")
    assert edge.run(selftaught, ["run", "--store", "sqlite:///notes.db"]) == 2
    assert "sqlite:///notes.db" in refused(capsys.readouterr().err)
    assert [path.read_text() for path in here.iterdir()] == ["my notes"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("budget = 3\n", "configuration my.toml: budget must be"),
        ("iterations = 0\n", "configuration my.toml: iterations must be"),
        ("bugdet = 3\n", "configuration my.toml: unknown setting 'bugdet'"),
        ("x = = 3\n", "the configuration my.toml is not TOML"),
    ],
)
@pytest.mark.usefixtures("_signals")
def test_a_wrong_configuration_file_is_named(
    text: str, reason: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "my.toml").write_text(text)
    assert edge.run(selftaught, ["run", "--config", "my.toml", "--usd", "2"]) == 2
    assert reason in refused(capsys.readouterr().err)


@pytest.mark.usefixtures("_signals")
def test_an_existing_out_file_is_refused_before_the_run(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "best.py").write_text("mine")
    assert edge.run(selftaught, ["improve", "flow_shop", "--out", "best.py"]) == 2
    assert "--out best.py exists" in refused(capsys.readouterr().err)
    assert [path.read_text() for path in here.iterdir()] == ["mine"]
