"""Programs of several files in a guest: imported from memory by name, and nothing beside them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox_support import Box
from selftaught.core.outcome import Failed
from selftaught_guest.files import head, join_files

MAIN = """\
import numpy as np

import rules.levels as levels
from parsing import fields
from rules import WORDS
from rules.deep.inner import depth


def algorithm(line):
    return [*fields(line), levels.LEVEL, WORDS, depth(), float(np.ones(2).sum())]
"""
FILES = {
    "main.py": MAIN,
    "parsing.py": "def fields(line):\n    return line.split()\n",
    "rules/__init__.py": "from .levels import LEVEL\n\nWORDS = LEVEL + 1\n",
    "rules/levels.py": "LEVEL = 1\n",
    "rules/deep/inner.py": "from ..levels import LEVEL\n\n\ndef depth():\n    return LEVEL + 2\n",
}


def run(box: Box, *args: Any, **changed: str) -> Any:
    files = FILES | {f"{name}.py": text for name, text in changed.items()}
    return box.run(join_files(files), *args)


def test_files_and_packages_are_imported_by_their_names(box: Box) -> None:
    assert run(box, "a b") == ["a", "b", 1, 2, 3, 2.0]


def test_the_only_file_with_the_entry_is_called(box: Box) -> None:
    files = {"tools.py": "def twice(x):\n    return 2 * x\n"}
    entry = "from tools import twice\n\n\ndef algorithm(x):\n    return twice(x)\n"
    assert box.run(join_files({**files, "core/run.py": entry}), 4) == 8
    none = box.run(join_files(files), 4)
    assert isinstance(none, Failed)
    assert "has to define 'algorithm': none does" in none.detail


def test_a_failure_names_the_file_and_the_line(box: Box) -> None:
    found = run(box, "a b", parsing="def fields(line):\n    return line.nothing\n")
    assert isinstance(found, Failed)
    assert "main.py line 10, in algorithm: return [*fields(line)" in found.detail
    assert "parsing.py line 2, in fields: return line.nothing" in found.detail
    wrong = run(box, "a b", parsing="def fields(line:\n    return\n")
    assert isinstance(wrong, Failed)
    assert wrong.kind == "syntax"
    assert "(parsing.py line 1)" in wrong.detail
    missing = run(box, "a", parsing="import tools\n")
    assert isinstance(missing, Failed)
    assert missing.detail.startswith("ImportError: no module 'tools' in the sandbox")


def test_annotations_mean_what_they_mean_outside(box: Box) -> None:
    """As a folder's files run without us; a file by itself has always been laxer."""
    lax = "def algorithm(x: Nothing):\n    return x\n"
    assert box.run(lax, 1) == 1
    assert isinstance(box.run(join_files({"main.py": lax}), 1), Failed)


TAKEN = ["helpers", "numpy", "json", "sys", "selftaught_guest", "program", "_io"]


@pytest.mark.parametrize("name", TAKEN)
def test_no_file_stands_in_front_of_a_module_that_guests_have(name: str, box: Box) -> None:
    text = f"{head('main.py')}\n{MAIN}{head(f'{name}.py')}\nraise SystemExit\n"
    found = box.run(text, "a")
    assert isinstance(found, Failed)
    assert found.kind == "syntax"
    assert f"{name} is the name of a module that is there already" in found.detail


def test_what_is_loaded_for_a_run_alone_is_not_shadowed_either(box: Box) -> None:
    """Modules that no list knows, but guests have: those of numpy's own, say."""
    source = "import sys\n\n\ndef algorithm():\n    return sorted(sys.modules)\n"
    tops = {name.partition(".")[0] for name in box.run(source)}
    for name in sorted(tops - {"__main__", "__mp_main__"})[:200]:
        found = box.run(f"{head('main.py')}\n{HONEST}{head(f'{name}.py')}\n", 21)
        assert isinstance(found, Failed), name


HONEST = "def algorithm(x):\n    return x * 2\n"
CYRILLIC = "m\u0430in.py"


@pytest.mark.parametrize(
    "text",
    [
        f"{head('../main.py')}\n{HONEST}",
        f"{head('/etc/passwd')}\n",
        f"{head('main.py')}\n{HONEST}{head('main.py')}\n{HONEST}",
        f"{head('main.py')}\n{HONEST}{head('a' + chr(0) + '.py')}\n",
        f"{head('main.py')}\n{HONEST}{head(CYRILLIC)}\n",
        f"{head('main.py')}\n{HONEST}" + "".join(f"{head(f'f{n}.py')}\n" for n in range(10_000)),
        f"{head('main.py')}\n{HONEST}{head('a/' * 5_000 + 'b.py')}\n",
        f"{head('main.py')}\n{'(' * 5_000}\n",
    ],
    ids=["up", "absolute", "twice", "nul", "cyrillic", "ten thousand", "deep", "nested"],
)
def test_hostile_files_are_failures_of_their_program(text: str, box: Box) -> None:
    found = box.run(text, 21)
    assert isinstance(found, Failed)
    assert found.kind in ("syntax", "crashed")


def test_files_give_no_way_to_the_disk(box: Box) -> None:
    reads = (
        "import main\n\n\ndef fields(line):\n    found = []\n"
        "    for name in (main.__spec__.origin, main.__name__ + '.py', '/etc/passwd'):\n"
        "        try:\n            found.append(open(name or 'main.py').read())\n"
        "        except OSError:\n            pass\n"
        "    return [str(main.__loader__.find_spec('os', None)), len(found)]\n"
    )
    assert run(box, "a", parsing=reads)[:2] == ["None", 0]
