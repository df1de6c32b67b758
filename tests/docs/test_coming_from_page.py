"""docs/coming_from.md: what it says to type is typed, on files as it names them."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "coming_from.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|python)\n(.*?)```", PAGE, re.DOTALL)
FILES = {
    "initial_program.py": "def double(x):\n    return x + 1.0\n",
    "evaluator.py": (
        "import importlib.util\n\n\ndef evaluate(program_path):\n"
        '    spec = importlib.util.spec_from_file_location("program", program_path)\n'
        "    program = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(program)\n"
        '    return {"combined_score": -abs(program.double(3.0) - 6.0)}\n'
    ),
}


@pytest.mark.parametrize(("kind", "block"), BLOCKS)
def test_what_it_says_to_type_works(kind: str, block: str, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    if kind == "sh":
        command = [str(Path(sys.executable).parent / "selftaught"), *shlex.split(block)[1:]]
    else:
        (tmp_path / "block.py").write_text(block)
        command = [sys.executable, "block.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if kind == "sh":
        assert "double: mean" in done.stdout or "on test" in done.stdout, done.stdout


def test_options_that_it_names_are_those_of_improve() -> None:
    golden = Path(__file__).parents[1] / "cli" / "golden" / "improve.txt"
    told = set(re.findall(r"--[a-z][a-z-]+", golden.read_text()))
    assert set(re.findall(r"--[a-z][a-z-]+", PAGE)) <= told
