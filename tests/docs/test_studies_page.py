"""The example of docs/studies.md that is made of files: they are written, and it comes out so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import docs_outputs

PAGE = (docs_outputs.ROOT / "docs" / "studies.md").read_text("utf-8")


def test_the_audit_of_rewards_finds_in_the_example_what_the_page_shows(tmp_path: Path) -> None:
    section = PAGE.partition("## Was there cheating?")[2].partition("\n## ")[0]
    for _, language, text in re.findall(
        r"^(````?)(python|json)\n(.*?)^\1$", section, re.DOTALL | re.MULTILINE
    ):
        name = "replies.json" if language == "json" else text.split()[1]
        (tmp_path / name).write_text(text, encoding="utf-8")
    (shown,) = re.findall(r"^```\n(\$ selftaught .*?)^```", section, re.DOTALL | re.MULTILINE)
    improving, auditing, *lines = shown.replace("\\\n", "").splitlines()
    for command in (improving, auditing):
        done = subprocess.run(
            [sys.executable, "-m", *command.split()[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
    assert docs_outputs.same(done.stdout, "".join(f"{line}\n" for line in lines))
