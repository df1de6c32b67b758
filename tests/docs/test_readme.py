"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def blocks(language: str) -> list[str]:
    text = README.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_example_for_own_programs_runs_and_solves_its_task(tmp_path: Path) -> None:
    (example,) = blocks("python")
    file = tmp_path / "example.py"
    file.write_text(example, encoding="utf-8")
    command = [sys.executable, "-W", "error", str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^test .*  1\.0000 \[1\.0000, 1\.0000\]$", done.stdout, re.MULTILINE)
    assert "What changed from the seed" in done.stdout
    assert (tmp_path / "selftaught.db").is_file()


def test_the_example_for_own_programs_is_short() -> None:
    (example,) = blocks("python")
    assert len(example.splitlines()) <= 10


def test_the_commands_that_the_readme_lists_exist() -> None:
    text = README.read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `selftaught ([\w-]+)", text, re.MULTILINE))
    done = subprocess.run(
        [sys.executable, "-c", "from selftaught.cli.main import main; main()", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed
    assert all(re.search(rf"^ +{name}\b", done.stdout, re.MULTILINE) for name in listed)


def test_the_make_targets_that_the_readme_names_exist() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    commands = blocks("sh")[0]
    for target in re.findall(r"^make (\w+)", commands, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_the_estimate_that_the_readme_shows_asks_nobody_and_writes_nothing(tmp_path: Path) -> None:
    command = blocks("sh")[1].split()
    assert command[0] == "selftaught"
    done = subprocess.run(
        [str(Path(sys.executable).parent / "selftaught"), *command[1:]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "spent: nothing" in done.stdout
    assert list(tmp_path.iterdir()) == []
