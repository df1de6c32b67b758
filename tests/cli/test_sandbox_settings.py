"""Limits of generated programs as options, as a file and from Python; and the key of instances."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from installed import selftaught

import selftaught as st
from selftaught.app.instance_key import VARIABLE, find_instance_key, key_file
from selftaught.core.errors import ConfigError

TASK = """
import selftaught as st

def utility(program, rng):
    return float(program({argument}))

task = st.Task(name="tried", seed={seed!r}, utility=utility, range=(0.0, float("inf")))
"""


def write_task(folder: Path, seed: str, argument: str = "1") -> str:
    (folder / "task.py").write_text(TASK.format(seed=seed, argument=argument), encoding="utf-8")
    return "task.py"


def improved(folder: Path, *options: str) -> tuple[int, str, dict[str, object]]:
    done = selftaught("improve", "task.py", "--lm-calls", "1", "--json", *options, cwd=folder)
    return done.code, done.stderr, json.loads(done.stdout) if done.stdout else {}


@pytest.mark.parametrize(
    ("seed", "options", "without", "with_them"),
    [
        (
            "import scipy.special\ndef algorithm(x):\n    return scipy.special.expit(50)\n",
            ["--module", "scipy.special"],
            0.0,
            1.0,
        ),
        pytest.param(
            "def algorithm(x):\n    return len(bytes(1500 << 20)) / (100 << 20)\n",
            ["--memory-mb", "2048"],
            0.0,
            15.0,
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "def algorithm(x):\n    print('x' * (2 << 20))\n    return 5\n",
            ["--output-mb", "4"],
            0.0,
            5.0,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_an_option_gives_what_the_default_does_not(
    here: Path, seed: str, options: list[str], without: float, with_them: float
) -> None:
    write_task(here, seed)
    for given, expected in (([], without), (options, with_them)):
        code, said, result = improved(here, "--seed-may-fail", *given)
        assert (code, result["seed"]["test"]["mean"]) == (0, expected), said  # type: ignore[index]


@pytest.mark.slow
def test_a_temporary_folder_is_there_when_it_is_asked_for(here: Path) -> None:
    source = (
        "def algorithm(x):\n"
        "    with open('notes', 'w') as file:\n        file.write('x')\n"
        "    return 3\n"
    )
    write_task(here, source)
    health = json.loads(selftaught("doctor", "--json", cwd=here).stdout)
    if health["tier"] != "namespaced":
        code, said, _ = improved(here, "--tmpdir-mb", "8")
        assert (code, "needs the tier namespaced" in said) == (4, True)
        return
    _, _, without = improved(here, "--seed-may-fail")
    _, said, with_one = improved(here, "--tmpdir-mb", "8")
    assert without["seed"]["test"]["mean"] == 0.0  # type: ignore[index]
    assert with_one["seed"]["test"]["mean"] == 3.0, said  # type: ignore[index]


def test_the_sealed_tier_refuses_a_temporary_folder_and_says_why(here: Path) -> None:
    write_task(here, "def algorithm(x):\n    return 1\n")
    code, said, _ = improved(here, "--tmpdir-mb", "8", "--tier", "sealed")
    assert (code, "a temporary folder needs the tier namespaced" in said) == (4, True)
    assert not (here / "selftaught.db").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--module", "no_such_package"], "module 'no_such_package' cannot be preloaded"),
        (["--module", "selftaught.tasks"], "is no module that a guest can have"),
        (["--memory-mb", "10"], "'--memory-mb': 10 is not in the range 256<=x<=1048576"),
        (["--memory-mb", str(1 << 20)], "guests at once are needed, of 1,048,576 MB each, and"),
        (["--threads", "5000"], "'--threads': 5000 is not in the range 1<=x<=1024"),
        (["--call-wall-s", "0"], "invalid value for '--call-wall-s'"),
        (["--tmpdir-mb", "-1"], "invalid value for '--tmpdir-mb'"),
    ],
)
def test_a_wrong_limit_is_one_line_and_nothing_is_written(
    here: Path, options: list[str], says: str
) -> None:
    write_task(here, "def algorithm(x):\n    return 1\n")
    code, said, _ = improved(here, *options)
    assert (code, said.count("\n"), says.lower() in said.lower()) == (2, 1, True), said
    assert not (here / "selftaught.db").exists()


def test_a_file_sets_them_too(here: Path) -> None:
    write_task(
        here, "import scipy.special\ndef algorithm(x):\n    return scipy.special.expit(50)\n"
    )
    (here / "settings.toml").write_text(
        '[sandbox]\nmodules = ["scipy.special"]\nthreads = 4\n', encoding="utf-8"
    )
    _, said, result = improved(here, "--config", "settings.toml")
    assert result["seed"]["test"]["mean"] == 1.0, said  # type: ignore[index]
    (here / "settings.toml").write_text("[sandbox]\nthread = 4\n", encoding="utf-8")
    code, said, _ = improved(here, "--config", "settings.toml")
    assert (code, "unknown setting 'sandbox.thread'" in said) == (2, True)


def test_python_sets_them_too() -> None:
    source = "import scipy.special\ndef algorithm(x):\n    return scipy.special.expit(50)\n"
    task = st.Task("tried", source, lambda program, rng: program(1), description="One.")
    assert isinstance(st.score(task, source), st.Failed)
    outcome = st.score(task, source, sandbox={"modules": ["scipy.special"], "memory_mb": 2048})
    assert outcome.value == 1.0
    with pytest.raises(ConfigError, match=r"sandbox\.memory_mb"):
        st.score(task, source, sandbox={"memory_mb": 0})


# --- the key of instances -----------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv(VARIABLE)
    return tmp_path


DRAWS = st.Task(
    "draws",
    "def algorithm(x):\n    return x\n",
    lambda program, rng: program(float(rng.random())),
    description="The number itself.",
    range=(0.0, 1.0),
)


def test_a_key_is_made_once_and_only_its_user_can_read_it(home: Path) -> None:
    key = find_instance_key()
    assert len(key) == 32
    assert find_instance_key() == key == key_file().read_text(encoding="ascii").strip()
    assert stat.S_IMODE(key_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file().parent.stat().st_mode) & 0o077 == 0
    assert find_instance_key("another") == "another"


def test_one_key_gives_the_same_instances_again_and_another_gives_others(home: Path) -> None:
    own = [st.score(DRAWS, DRAWS.seed, seed=3).value for _ in range(2)]
    public = st.score(DRAWS, DRAWS.seed, seed=3, instance_key="public").value
    other = st.score(DRAWS, DRAWS.seed, seed=3, instance_key="mine").value
    assert own[0] == own[1]
    assert len({own[0], public, other}) == 3


def test_a_key_that_cannot_be_kept_is_one_line_that_says_what_to_do(home: Path) -> None:
    (home / "state").write_text("a file", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"give --instance-key or set {VARIABLE}"):
        find_instance_key()


def test_a_key_file_that_was_emptied_is_told(home: Path) -> None:
    find_instance_key()
    key_file().write_text("", encoding="ascii")
    with pytest.raises(ConfigError, match="remove it"):
        find_instance_key()


def test_the_journal_tells_the_key_of_a_run(here: Path) -> None:
    write_task(here, "def algorithm(x):\n    return 1\n")
    _, _, result = improved(here, "--instance-key", "a-key-of-mine")
    shown = selftaught("show", str(result["run_id"]), "--json", cwd=here)
    assert "a-key-of-mine" in shown.stdout
    assert os.environ[VARIABLE] == "public"
