"""Commands that list and show wait for no module that they have no use for.

What that comes to in seconds is told by benchmarks/first_feedback.py.
"""

from __future__ import annotations

import subprocess
import sys

import pytest
from installed import Finished, environment

HEAVY = {
    *("aiohttp", "altair", "anthropic", "asyncio", "genai_prices", "numpy", "openai", "pydantic"),
    *("rich", "scipy", "sqlalchemy", "uvloop"),
}
DATABASE = {"sqlalchemy", "asyncio"}  # the one loads the other
PROGRAM = """
import sys
from selftaught.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0
print("loaded", *sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["--help"], set()),
        (["tasks"], {"numpy", "rich"}),  # tasks are made of arrays
        (
            ["models"],
            {"asyncio", "numpy", "rich"},
        ),  # each provider is loaded; the mutator has guests
        (["runs"], {*DATABASE, "rich"}),
        (["runs", "--json"], DATABASE),
        (["show", "latest"], {*DATABASE, "numpy", "rich"}),
    ],
)
def test_a_command_loads_no_heavy_module_but_those_that_it_needs(
    arguments: list[str], needed: set[str], finished: Finished
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=finished.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stderr.partition("loaded ")[2].split()
    assert "click" in loaded
    assert HEAVY & set(loaded) <= needed
