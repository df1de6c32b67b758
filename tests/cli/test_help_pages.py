"""Help pages: golden, quick to come, and true about the defaults."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from installed import selftaught as installed

from selftaught.app.config import DEFAULT_STORE as CONFIG_STORE
from selftaught.app.config import DEFAULT_TASKS as CONFIG_TASKS
from selftaught.app.config import ImproveConfig, RunConfig, RunsConfig
from selftaught.cli import options
from selftaught.cli.main import selftaught

GOLDEN = Path(__file__).parent / "golden"
PAGES = ["", *selftaught.commands]

HEAVY = ("numpy", "scipy", "sqlalchemy", "pydantic", "rich", "asyncio", "selftaught.app")


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


def told_defaults(command: str) -> dict[str, str]:
    """What the help says of each option's default, by click's name."""
    told: dict[str, str] = {}
    for parameter in selftaught.commands[command].params:
        if isinstance(parameter, click.Option) and parameter.name is not None:
            match = re.search(r"\[default: (.*)\]", parameter.help or "")
            if match:
                told[parameter.name] = match.group(1)
    return told


UNSET = {
    "slots": "one a core",
    "call_wall_s": "10 x its CPU, at least 5",
    "instance_key": "one of your own",
    "base_url": "the provider's own, or its environment variable",
    "api_key_file": "the environment",
    "reasoning_effort": "the model's",
    "price_in": "the published price",
    "price_out": "the published price",
}


def flat(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings by their dotted names."""
    result: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            result |= {f"{name}.{key}": part for key, part in value.items()}
        else:
            result[name] = value
    return result


@pytest.mark.parametrize(("command", "kind"), [("run", RunConfig), ("improve", ImproveConfig)])
def test_the_defaults_that_help_tells_are_those_of_the_configuration(
    command: str, kind: type[RunConfig] | type[ImproveConfig]
) -> None:
    real = flat(kind().model_dump())
    runs = RunsConfig().resolved(1)
    real |= {f"runs.{stream}": f"{n} shared by all tasks" for stream, n in runs.items()}
    several = RunsConfig().resolved(3)["search"]
    real["runs.search"] = f"{runs['search']} for one task, {several} each for several"
    for name, told in told_defaults(command).items():
        default = real[options.SETTINGS[name]]
        if default is None:
            assert told == UNSET[name], name
        else:
            assert told == (f"{default:g}" if isinstance(default, float) else str(default)), name
    assert options.DEFAULT_STORE == CONFIG_STORE
    assert re.findall(r"\w+_\w+|descent", options.DEFAULT_TASKS) == [*CONFIG_TASKS[:2], "local_cut"]


@pytest.mark.parametrize(("command", "kind"), [("run", RunConfig), ("improve", ImproveConfig)])
def test_every_option_that_is_a_setting_is_known_to_the_configuration(
    command: str, kind: type[RunConfig] | type[ImproveConfig]
) -> None:
    real = flat(kind().model_dump())
    names = {p.name for p in selftaught.commands[command].params} & options.SETTINGS.keys()
    assert {options.SETTINGS[name] for name in names if name} <= real.keys()
