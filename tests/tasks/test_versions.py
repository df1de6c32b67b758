"""What a task's version covers: the user's own code that its utility reaches, and nothing else."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import selftaught as st
from selftaught.app.discovery import load_task, task_names

HEAD = "import functools\nfrom dataclasses import dataclass\n\nimport selftaught as st\n\n"
TASK = """

SEED = "def algorithm(x):\\n    return x\\n"
task = st.Task("mine", SEED, {utility}, (0.0, 1.0), description="Return more.")
"""
PLAIN = "def utility(program, rng):\n    return part(program(1))\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules can be imported, as those of a script's own can."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    for name, module in [*sys.modules.items()]:
        if str(tmp_path) in str(getattr(module, "__file__", None)):
            del sys.modules[name]


def write(folder: Path, code: str, utility: str = "utility") -> st.Task:
    (folder / "mine.py").write_text(HEAD + code + TASK.format(utility=utility))
    task = load_task(folder / "mine.py")
    assert task.version  # of the files as they are now
    return task


def changed(before: st.Task, after: st.Task) -> set[str]:
    """Names of the parts that differ; versions differ if and only if there are any."""
    old, new = before.version_parts, after.version_parts
    names = {
        name
        for name in old.keys() | new.keys()
        if getattr(old.get(name), "digest", None) != getattr(new.get(name), "digest", None)
    }
    assert (before.version != after.version) == bool(names)
    return names


@pytest.mark.parametrize(
    ("code", "utility", "part"),
    [
        ("def utility(program, rng):\n    return 1.0\n", "utility", "utility"),
        ("async def utility(program, rng):\n    return 1.0\n", "utility", "utility"),
        (f"def part(x):\n    return 1.0\n\n\n{PLAIN}", "utility", "part"),
        (f"LIMIT = 1.0\n\n\ndef part(x):\n    return LIMIT\n\n\n{PLAIN}", "utility", "LIMIT"),
        (f"PARTS = []\nPARTS.append(1.0)\n{PLAIN.replace('part(', 'PARTS.index(')}", *2 * [""]),
        (
            f"try:\n    LIMIT = 1.0\nfinally:\n    part = float\n\n\n{PLAIN}",
            "utility",
            "LIMIT, part",
        ),
        (
            "class Part:\n    def value(self, x):\n        return 1.0\n\n\n"
            "def utility(program, rng):\n    return Part().value(program(1))\n",
            "utility",
            "Part",
        ),
        (
            "def draw(rng):\n    return [1.0]\n\n\ndef judge(program, x):\n    return x\n",
            "st.per_instance(draw, judge)",
            "draw",
        ),
        (
            "def draw(rng):\n    return [1]\n\n\ndef judge(program, x):\n    return 1.0\n",
            "st.per_instance(draw, judge)",
            "judge",
        ),
        (
            "def part(x):\n    return 1.0\n\n\ndef make(inner):\n"
            "    def utility(program, rng):\n        return inner(program(1))\n\n"
            "    return utility\n",
            "make(part)",
            "part",
        ),
        (
            "def make(most):\n    def utility(program, rng):\n        return most\n\n"
            "    return utility\n\n\nmade = make(1.0)\n",
            "made",
            "most of make.<locals>.utility",
        ),
        (
            "def scaled(factor, program, rng):\n    return factor\n\n\n"
            "made = functools.partial(scaled, 1.0)\n",
            "made",
            "argument 0 of partial scaled",
        ),
        (
            "class Judge:\n    def __call__(self, program, rng):\n        return 1.0\n",
            "Judge()",
            "Judge",
        ),
        (
            "class Judge:\n    def score(self, program, rng):\n        return 1.0\n",
            "Judge().score",
            "Judge",
        ),
        (
            "@dataclass(frozen=True, slots=True)\nclass Judge:\n    most: float\n\n"
            "    def __call__(self, program, rng):\n        return self.most\n\n\n"
            "judge = Judge(1.0)\n",
            "judge",
            "most of Judge",
        ),
        (
            "def kept(function):\n    @functools.wraps(function)\n    def inner(*given):\n"
            "        return function(*given) * 1.0\n\n    return inner\n\n\n"
            "@kept\ndef utility(program, rng):\n    return 0.5\n",
            "utility",
            "kept",
        ),
        (
            "@functools.lru_cache\ndef utility(program, rng):\n    return 1.0\n",
            "utility",
            "utility",
        ),
    ],
)
def test_a_change_of_what_the_utility_reaches_in_its_file_is_another_version(
    code: str, utility: str, part: str, folder: Path
) -> None:
    utility, part = utility or "utility", part or "PARTS"
    before = write(folder, code, utility)
    assert changed(before, write(folder, code, utility)) == set()
    after = write(folder, code.replace("1.0", "0.25"), utility)
    assert changed(before, after) == {part}


def test_a_lambda_counts_with_the_statement_that_it_stands_in(folder: Path) -> None:
    before = write(folder, "", "lambda program, rng: 1.0")
    assert changed(before, write(folder, "", "lambda program, rng: 0.5")) == {"task"}


@pytest.mark.parametrize(
    "rest",
    [
        "def other():\n    return 1.0\n",
        "# a comment between definitions\n",
        "result = 1.0\n\n\nif __name__ == '__main__':\n    result = st.improve(task)\n",
        "st.improve\nfunctools.cache(print)\n",
        "import json\n",
    ],
)
def test_what_the_utility_does_not_reach_does_not_count(rest: str, folder: Path) -> None:
    """`result` is a name of the utility's own, too."""
    code = "def utility(program, rng):\n    result = program(1)\n    return result\n"
    before = write(folder, code)
    assert changed(before, write(folder, f"{rest}\n\n{code}")) == set()


def test_a_file_can_be_renamed_and_its_folder_moved(folder: Path) -> None:
    before = write(folder, f"part = float\n{PLAIN}")
    (folder / "moved").mkdir()
    (folder / "mine.py").rename(folder / "moved" / "yours.py")
    assert changed(before, load_task(folder / "moved" / "yours.py")) == set()


@pytest.mark.parametrize(
    "code",
    [
        f"from helping import part\n\n\n{PLAIN}",
        f"from helping import *\n\n\n{PLAIN}",
        "import helping\n\n\ndef utility(program, rng):\n    return helping.part(program(1))\n",
        "def utility(program, rng):\n    from helping import part\n\n    return part(program(1))\n",
    ],
)
def test_modules_of_the_users_own_count_with_all_that_they_import(code: str, folder: Path) -> None:
    (folder / "helping.py").write_text(
        "import numpy\n\nfrom inner.deep import more\n\n\ndef part(x):\n    return more(x)\n"
    )
    (folder / "inner").mkdir()
    (folder / "inner" / "__init__.py").write_text("from . import side\n")
    (folder / "inner" / "side.py").write_text("SIDE = 1\n")
    (folder / "inner" / "deep.py").write_text("def more(x):\n    return x\n")
    (folder / "beside.py").write_text("raise ValueError('nobody imports it')\n")
    before = write(folder, code)
    paths = {name for name in before.version_parts if name.endswith(".py")}
    assert paths == {"helping.py", "inner/__init__.py", "inner/side.py", "inner/deep.py"}
    for path in sorted(paths):
        text = (folder / path).read_text()
        (folder / path).write_text(f"{text}\nCHANGED = True\n")
        after = write(folder, code)
        assert changed(before, after) == {path}
        assert after.version_parts[path].where == str(folder / path)
        before = after


def test_a_module_is_never_imported_to_tell_a_version(folder: Path) -> None:
    (folder / "broken.py").write_text("raise ValueError('imported')\n")
    (folder / "packed").mkdir()
    (folder / "packed" / "__init__.py").write_text("raise ValueError('imported')\n")
    (folder / "packed" / "deep.py").write_text("")
    code = "def utility(program, rng):\n    import broken, packed.deep\n\n    return 1.0\n"
    parts = write(folder, code).version_parts
    assert {"broken.py", "packed/__init__.py", "packed/deep.py"} <= parts.keys()
    assert not {"broken", "packed", "packed.deep"} & sys.modules.keys()


def test_installed_packages_and_the_standard_library_do_not_count(folder: Path) -> None:
    installed = folder / "site-packages"
    installed.mkdir()
    (installed / "bought.py").write_text("def part(x):\n    return x\n")
    sys.path.insert(0, str(installed))
    try:
        code = f"import math\n\nimport numpy\nfrom bought import part\n\n\n{PLAIN}"
        task = write(folder, code)
    finally:
        sys.path.remove(str(installed))
    assert not [name for name in task.version_parts if name.endswith(".py")]


def made_without_a_file(text: str, **names: object) -> Callable[..., float]:
    """As a cell of a notebook makes it, whose source is gone."""
    space: dict[str, object] = {"__name__": "__main__", **names}
    exec(compile(text, "<cell>", "exec"), space)
    found = space["utility"]
    assert callable(found)
    return found


def test_functions_without_a_file_count_by_their_code_and_what_it_names() -> None:
    cells = {
        "same": "def part(x):\n    return x\n\ndef utility(p, rng):\n    return LIMIT * part(1)\n",
        "own": "def part(x):\n    return x\n\ndef utility(p, rng):\n    return LIMIT + part(1)\n",
        "part": "def part(x):\n    return -x\n\ndef utility(p, rng):\n    return LIMIT * part(1)\n",
    }

    def version(text: str, limit: float) -> str:
        function = made_without_a_file(text, LIMIT=limit)
        return st.Task("cell", "", function, description="").version

    told = [version(text, 1.0) for text in cells.values()]
    told.append(version(cells["same"], 2.0))
    assert len(set(told)) == 4
    assert version(cells["same"], 1.0) == told[0]


def test_data_that_changes_while_a_run_goes_on_does_not_count(folder: Path) -> None:
    code = (
        "def make():\n    calls, seen = 0, []\n\n    def utility(program, rng):\n"
        "        nonlocal calls\n        calls += 1\n        seen.append(calls)\n"
        "        return 1.0\n\n    return utility\n"
    )
    before = write(folder, code, "make()")
    again = dataclasses.replace(before)
    assert callable(before.utility)
    before.utility(None, None)  # type: ignore[arg-type]
    assert changed(before, again) == set()


def test_objects_that_answer_to_any_name_are_no_trouble(folder: Path) -> None:
    code = (
        "class Proxy:\n    def __getattr__(self, name):\n        return Proxy()\n\n"
        "    def __call__(self, *given):\n        return 1.0\n"
    )
    assert "Proxy" in write(folder, code, "Proxy()").version_parts


def test_a_file_that_is_no_longer_python_leaves_the_function_that_was_loaded(folder: Path) -> None:
    task = write(folder, "def utility(program, rng):\n    return 1.0\n")
    (folder / "mine.py").write_text("def utility(:\n")
    assert "utility" in dataclasses.replace(task).version_parts


@pytest.mark.parametrize("name", task_names())
def test_a_shipped_task_is_the_same_wherever_it_is_installed(name: str) -> None:
    """Nothing that it imports counts, and no path."""
    parts = load_task(name).version_parts
    assert parts.keys() == {
        *("the seed", "range, entry or best_known", "the settings", "the description")
    }
