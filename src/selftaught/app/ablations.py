"""`selftaught reproduce engine`: what each part of an improver's prompts is worth, as a bench.

A part is a word of its line `PARTS = (...)`; what an improver does for it is not done without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from selftaught.app.discovery import Installed
from selftaught.core.errors import ConfigError
from selftaught.core.program import Program
from selftaught.studies.bench.study import BenchConfig, study
from selftaught.studies.settings import make_config, merged, read_toml
from selftaught.studies.study import Asked

_PARTS = re.compile(r"^PARTS = \(.*\)$", re.MULTILINE)


def ablations_asked(path: Path, given: Mapping[str, Any]) -> Asked[BenchConfig]:
    """The bench of a file's improvers and of what is left of each without one of its parts.

    Raises: ConfigError, also if none of them has parts.
    """
    settings = merged(read_toml(path), dict(given))
    config, installed = make_config(BenchConfig, settings), Installed()
    found = dict(installed.improver(one, config.store) for one in config.improvers)
    programs = {name: program.source for name, program in found.items()}
    for name, program in found.items():
        programs |= without_each(name, program)
    if len(programs) == len(found):
        raise ConfigError(f"no improver of {path} has a line `PARTS = (...)`: there is no part")
    return study.asked({**settings, "improvers": tuple(programs), "programs": programs}, installed)


def without_each(name: str, program: Program) -> Iterator[tuple[str, str]]:
    """Names and sources of an improver without one of its parts."""
    line = _PARTS.search(program.source)
    parts = re.findall(r'"(\w+)"', line[0]) if line else []
    for part in parts:
        left = tuple(one for one in parts if one != part)
        yield f"{name} -{part}", _PARTS.sub(f"PARTS = {left!r}", program.source, count=1)
