"""What leaves the machine of a task's file: no data, no secrets, and nothing very large."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import selftaught as st
from selftaught.app.discovery import load_task, task_names
from selftaught.core.errors import ConfigError
from selftaught.core.hidden import LARGEST_LITERAL
from selftaught.engine.describe import describe_task

HEAD = "import os\n\nimport numpy as np\n\nimport selftaught as st\n\n"
TAIL = """

task = st.Task("mine", "def algorithm(x):\\n    return x\\n", utility, (0.0, 1.0){more})
"""
USES = "def utility(program, rng):\n    {names}\n    return float(program(1))\n"
SECRET = '"<not shown: a likely secret>"'
KEYS = (
    "sk-live-12345678",
    "ghp_0123456789abcdefABCDEF",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "https://bob:hunter@example.org",
    "aB3xK9pQ2mL7vR5tY8wZ1cD4",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
)


def loaded(folder: Path, code: str, more: str = "") -> st.Task:
    path = folder / "mine.py"
    path.write_text(HEAD + code + TAIL.format(more=more))
    return load_task(path)


def constant(folder: Path, value: str, more: str = "", name: str = "GIVEN") -> tuple[str, st.Task]:
    """A constant as the model is shown it, and its task."""
    task = loaded(folder, f"{name} = {value}\n\n\n{USES.format(names=name)}", more)
    text = task.described()
    ast.parse(text)
    return text.partition("\n\n")[0].removeprefix(f"{name} = "), task


@pytest.mark.parametrize(
    "value", ["3", "-0.5", "9 * 112", "range(50, 201, 15)", "None", "True", "[]", "tuple[int, ...]"]
)
def test_numbers_and_types_are_shown(value: str, tmp_path: Path) -> None:
    assert constant(tmp_path, value)[0] == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("[1, 0, 1]", '"<not shown: list of 3>"'),
        ("(\n    True,\n    False,\n)  # drawn", '"<not shown: tuple of 2>"  # drawn'),
        ("{'a': 1}", '"<not shown: dict of 1>"'),
        ("'the answer'", '"<not shown: text of 10>"'),
        ("b'answer'", '"<not shown: bytes of 6>"'),
        ("f'é{1}'", '"<not shown: text>"'),
        ("np.array([[1, 2], [3, 4]])", 'np.array("<not shown: list of 2>")'),
        ("np.dtype('float64')", 'np.dtype("<not shown: text of 7>")'),
    ],
)
def test_texts_containers_and_arrays_are_left_out_unless_they_are_to_be_shown(
    value: str, shown: str, tmp_path: Path
) -> None:
    said, task = constant(tmp_path, value)
    assert said == shown
    assert not task.secrets
    assert constant(tmp_path, value, ', shown=["GIVEN"]')[0] == value


def test_constants_assigned_together_are_looked_at_one_by_one(tmp_path: Path) -> None:
    code = "RATE, LABELS = 0.5, [1, 0]\n\n\n" + USES.format(names="RATE, LABELS")
    assert 'RATE, LABELS = 0.5, "<not shown: list of 2>"' in loaded(tmp_path, code).described()


def test_constants_of_a_class_are_constants_too(tmp_path: Path) -> None:
    code = "class Held:\n    __slots__ = ('a',)\n    LABELS = [1, 0]\n    most = 3\n\n\n"
    text = loaded(tmp_path, code + USES.format(names="Held")).described()
    assert "    __slots__ = ('a',)\n    LABELS = \"<not shown: list of 2>\"\n    most = 3" in text


def test_shown_names_constants_that_the_utility_uses(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"shown=\['OTHER'\] are no constants"):
        constant(tmp_path, "[1]", ', shown=["OTHER"]')[1].described()
    with pytest.raises(ConfigError, match="must be a list of names"):
        loaded(tmp_path, USES.format(names="pass"), ', shown="OTHER"')


# --- secrets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("GIVEN = {key}\n\n\n" + USES.format(names="GIVEN"), "GIVEN"),
        ("GIVEN = os.environ.get('K', {key})\n\n\n" + USES.format(names="GIVEN"), "GIVEN"),
        ("def utility(program, rng, given={key}):\n    return 1.0\n", "given"),
        ("def utility(program, rng, *, given=['a', {key}]):\n    return 1.0\n", "utility"),
        ("def utility(program, rng):\n    return len({key})\n", "utility"),
        ("async def utility(program, rng):\n    return len(dict(a={key}))\n", "a"),
    ],
)
def test_a_text_in_the_shape_of_a_key_is_never_sent_and_is_named_with_its_line(
    key: str, code: str, name: str, tmp_path: Path
) -> None:
    task = loaded(tmp_path, code.format(key=repr(key)))
    text = task.described()
    assert SECRET in text
    assert key not in text
    lines = (tmp_path / "mine.py").read_text().splitlines()
    (at,) = [line for line, said in enumerate(lines, 1) if repr(key) in said]
    assert [*task.secrets] == [f"mine.py:{at}: {name}"]


@pytest.mark.parametrize("name", ["API_TOKEN", "SecretKey", "db_password", "KEYS", "CREDENTIALS"])
def test_a_text_under_the_name_of_a_secret_is_one(name: str, tmp_path: Path) -> None:
    said, task = constant(tmp_path, "'opensesame'", name=name)
    assert (said, list(task.secrets)) == (SECRET, [f"mine.py:7: {name}"])


@pytest.mark.parametrize(
    "code",
    [
        "password = 'abc'",
        "self.api_key = 'abc'",
        "headers = {'Authorization': 'abc'}",
        "os.environ['API_TOKEN'] = 'abc'",
        "dict(secret='abc')",
        "(token := 'hunter2')",
        "f\"{dict(password='abc')}\"",
    ],
)
def test_so_it_is_within_functions(code: str, tmp_path: Path) -> None:
    task = loaded(tmp_path, USES.format(names=code))
    assert "'abc'" not in task.described()
    assert "hunter2" not in task.described()
    assert [one.rpartition(": ")[0] for one in task.secrets] == ["mine.py:8"]


def test_comments_docstrings_and_descriptions_are_looked_through(tmp_path: Path) -> None:
    code = f'def utility(program, rng):\n    """See {KEYS[1]}."""\n    return 1.0  # {KEYS[6]}\n'
    task = loaded(tmp_path, code)
    assert not [key for key in KEYS if key in task.described()]
    assert len(task.secrets) == 2
    given = loaded(tmp_path, code, f", description='By {KEYS[0]}, the more the better.'")
    assert given.described() == "By <not shown: a likely secret>, the more the better."


@pytest.mark.parametrize(
    "value",
    [
        "MAX_TOKENS = 100",
        "key = 'left'",
        "alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'",
        "kind = 'GradientBoostingClassifier2000'",
        "sequence = 'ACGTACGTTGCAACGTACGTTGCAACGTACGTTGCA'",
        "board = 'rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR'",
    ],
)
def test_what_is_no_secret_stays_in_a_function(value: str, tmp_path: Path) -> None:
    task = loaded(tmp_path, USES.format(names=value))
    assert value in task.described()
    assert not task.secrets


def test_a_guess_can_be_overruled_and_the_shape_of_a_key_cannot(tmp_path: Path) -> None:
    shown = ', shown=["TOKENS"]'
    assert constant(tmp_path, "['+', '-']", shown, "TOKENS")[0] == "['+', '-']"
    assert KEYS[0] not in constant(tmp_path, repr([KEYS[0]]), shown, "TOKENS")[0]


# --- large literals -------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["'long '* 1", "[1]", "b'xx'"])
def test_large_literals_are_left_out_of_functions_too(value: str, tmp_path: Path) -> None:
    large = {"[": repr(list(range(LARGEST_LITERAL))), "'": repr("long " * LARGEST_LITERAL)}
    text = large.get(value[0], repr(b"x" * LARGEST_LITERAL))
    task = loaded(tmp_path, USES.format(names=f"len({text})"))
    assert len(task.described()) < 300
    assert f"len({value[:3]}" in loaded(tmp_path, USES.format(names=f"len({value})")).described()


# --- what stays -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", task_names())
def test_of_a_shipped_task_everything_is_shown(name: str) -> None:
    task = load_task(name)
    assert describe_task(task) == task.described_by(1)
    assert not task.secrets


def test_runs_of_earlier_schemes_keep_their_prompts_and_versions(tmp_path: Path) -> None:
    _, task = constant(tmp_path, "[1, 0]")
    assert describe_task(task, ("scipy",), scheme=2).startswith("GIVEN = [1, 0]\n\ndef utility(")
    assert "import" not in describe_task(task, ("scipy",), scheme=2)
    assert task.version_by(2) == task.version
    other = constant(tmp_path, "[0, 1]")[1]
    assert other.version != task.version
    assert other.described() == task.described()
