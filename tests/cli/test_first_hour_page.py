"""docs/first_hour.md, followed to the letter: its files, and its commands with their exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from installed import environment

PAGE = Path(__file__).parents[2] / "docs" / "first_hour.md"
_PART = re.compile(
    r"(?:<!-- (?P<what>file|ends): (?P<value>\S+) -->\n)?"
    r"^```(?P<kind>console|python|json)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


def test_a_newcomer_who_follows_the_page_comes_to_its_end(here: Path) -> None:
    said: dict[str, str] = {}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for part in _PART.finditer(PAGE.read_text(encoding="utf-8")):
        if part["what"] == "file":
            (here / part["value"]).write_text(part["body"], encoding="utf-8")
            continue
        wanted = int(part["value"] or 0)
        for line in part["body"].splitlines():
            command = line.removeprefix("$ ")
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=here,
                env=environment(PATH=path),
                capture_output=True,
                text=True,
                check=False,
            )
            said[command.partition(" --lm-calls")[0]] = done.stdout + done.stderr
            assert done.returncode == wanted, f"{command}\n{done.stdout}{done.stderr}"
    assert "--module csv" in said["selftaught improve route.py"]
    assert "Length of a closed route" in said["selftaught tasks route.py"]
    assert {"best_route.py", "best_spam.py"} <= {one.name for one in here.iterdir()}
    finished = said["selftaught resume latest --finish"]
    assert "test" in finished
    assert "stopped" in finished
