"""docs/for_agents.md: its task and its commands run as they stand, and what they say is there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from selftaught.cli import edge
from selftaught.cli.main import selftaught

PAGE = Path(__file__).parents[2] / "docs" / "for_agents.md"
TEXT = PAGE.read_text(encoding="utf-8")
CODES = {edge.DONE, edge.FAILED, edge.WRONG_INPUT, edge.NOTHING_MEASURED, edge.NO_SANDBOX}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def run(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    words = shlex.split(line)
    assert words[0] == "selftaught"
    code = edge.run(selftaught, words[1:])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's task as task.py."""
    monkeypatch.chdir(tmp_path)
    (task,) = blocks("python")
    (tmp_path / "task.py").write_text(task, encoding="utf-8")
    return tmp_path


def fields(result: object, path: str) -> object:
    for name in path.split("."):
        assert isinstance(result, dict)
        result = result[name]
    return result


def test_the_commands_run_in_their_order_and_give_what_the_page_says(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done: dict[str, Any] = {}
    for line in "".join(blocks("sh")).splitlines():
        code, out, err = run(line, capsys)
        assert code == edge.DONE, f"{line}: {err}"
        done[line] = json.loads(out) if "--json" in line else out
    (improved,) = (said for line, said in done.items() if "--seed 1" in line)
    told = TEXT.partition("| field of")[2].partition("\n\n")[0]
    named = re.findall(r"^\| (`[\w.`, ]+) \| ", told, re.MULTILINE)
    paths = [path for cell in named for path in re.findall(r"`([\w.]+)`", cell)]
    assert len(paths) >= 9
    for path in paths:
        fields(improved, path)
    assert (here / "best.py").read_text() == improved["best"]["source"]
    assert (here / "again.py").read_text() == improved["best"]["source"]
    (shown,) = (said for line, said in done.items() if line.startswith("selftaught tasks"))
    assert "largest sum of neighbours" in shown


def test_the_seed_leaves_room_to_improve(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run("selftaught improve task.py --samples 1 --json", capsys)
    assert code == edge.DONE, err
    assert json.loads(out)["seed"]["test"]["mean"] < 0.5


def test_the_table_of_exit_codes_has_them_all(capsys: pytest.CaptureFixture[str]) -> None:
    told = TEXT.partition("| exit code |")[2].partition("\n\n")[0]
    assert {int(code) for code in re.findall(r"^\| (\d) \|", told, re.MULTILINE)} == CODES


def test_mistakes_that_the_page_names_are_found_as_it_says(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = (here / "task.py").read_text(encoding="utf-8")
    (here / "task.py").write_text(task.replace("return sum(", "import csv; return sum("))
    code, _, err = run("selftaught improve task.py --samples 1", capsys)
    assert code == edge.WRONG_INPUT
    assert "no module 'csv' in the sandbox" in err
    assert "--module csv" in err
    assert err.count("\n") == 1


def test_the_options_that_the_page_names_exist(capsys: pytest.CaptureFixture[str]) -> None:
    known = run("selftaught improve --help", capsys)[1] + run("selftaught show --help", capsys)[1]
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", TEXT))
    assert len(named) > 8
    assert all(option in known for option in named)
