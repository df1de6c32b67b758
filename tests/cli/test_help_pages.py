"""Help pages: golden, and quick to come."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from installed import selftaught as installed

from selftaught.cli.main import selftaught

GOLDEN = Path(__file__).parent / "golden"
PAGES = ["", *selftaught.commands]

HEAVY = ("numpy", "scipy", "sqlalchemy", "pydantic", "rich", "asyncio", "selftaught.app.compose")


@pytest.mark.parametrize("command", PAGES)
def test_a_help_page_is_as_it_was(command: str) -> None:
    arguments = [command, "--help"] if command else ["--help"]
    shown = CliRunner().invoke(
        selftaught, arguments, prog_name="selftaught", terminal_width=80, max_content_width=80
    )
    assert shown.exit_code == 0
    page = GOLDEN / f"{command or 'selftaught'}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(shown.output, encoding="utf-8")
    assert shown.output == page.read_text(encoding="utf-8"), "UPDATE_GOLDEN=1 writes them anew"


def test_the_installed_command_shows_its_help_with_and_without_being_asked(here: Path) -> None:
    asked = installed("--help", cwd=here)
    assert asked.stdout == (GOLDEN / "selftaught.txt").read_text(encoding="utf-8")
    assert installed(cwd=here) == asked
    assert (asked.code, asked.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_waits_for_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom selftaught.cli.main import main\n"
        f"try:\n    main({arguments!r})\n"
        f"finally:\n    print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "[]\n")
