"""docs/packages.md lists the modules that guests have."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from selftaught.cli import edge
from selftaught.cli.main import selftaught
from selftaught.core.guest_modules import FOR_IMPROVERS, FOR_TEMPORARY_FILES, PRELOADED

PAGE = Path(__file__).parents[2] / "docs" / "packages.md"


@pytest.mark.parametrize("modules", [PRELOADED, FOR_IMPROVERS, FOR_TEMPORARY_FILES])
def test_the_lists_are_those_that_zygotes_load(modules: tuple[str, ...]) -> None:
    listed = ", ".join(f"`{name}`" for name in modules if not name.startswith("encodings."))
    assert f" {listed}. " in " ".join(PAGE.read_text(encoding="utf-8").split())


@pytest.mark.slow
def test_the_task_with_pandas_and_scikit_learn_is_improved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("sklearn", "pandas"):
        pytest.importorskip(name, reason=f"{name} is not installed: `make test-all` installs it")
    text = PAGE.read_text(encoding="utf-8")
    (task,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (command,) = re.findall(r"^`(selftaught improve [^`]+)`$", text, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    answer = task.partition('SEED = """')[2].partition('"""')[0].replace('["a"]', '["a", "b"]')
    (tmp_path / "labels.py").write_text(task, encoding="utf-8")
    (tmp_path / "answers.json").write_text(json.dumps([f"```python{answer}```"]), encoding="utf-8")
    words = [*shlex.split(command)[1:], "--model", "scripted:answers.json", "--json"]
    assert edge.run(selftaught, words) == edge.DONE
    result = json.loads(capsys.readouterr().out)
    assert result["seed"]["test"]["mean"] < 0.85
    assert result["best"]["test"]["mean"] > 0.9
