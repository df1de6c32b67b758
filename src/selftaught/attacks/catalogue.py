"""The attacks that there are: one file each, described by its own first lines.

    '''What it tries, in one line.'''
    # family: files
    # evaluations: 2

    from attack import attempted, facts

    def algorithm(question):
        attempted()
        return "root" in open("/etc/passwd").read()

A candidate gets through by returning True or the hidden answer to the question, by a trace that
the host finds, or by making the next program wrong; an improver (`improve_algorithm`) by returning
"THROUGH", or by getting more than its limits from the host. `attempted()` tells the host that the
forbidden step comes next.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal

from selftaught.core.program import IMPROVER_ENTRY

FAMILIES = (
    "files",
    "environment",
    "processes",
    "network",
    "tampering",
    "bombs",
    "output",
    "survival",
    "kernel",
    "forged results",
    "hidden answers",
    "siblings",
    "budgets",
    "frames",
    "parsers",
)

_SETTING = re.compile(r"^# (\w+): (.+)$")
_SETTINGS = {"family", "evaluations", "calls", "lingers", "machine", "seconds"}


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile program.

    Attributes:
        name: of its file.
        tries: its first line.
        family: one of `FAMILIES`.
        source: its text.
        role: whether it is run as a candidate or as an improver.
        evaluations: candidates only: how many fresh guests it is run in, one after the other.
        calls: candidates only: how often it is called in each.
        lingers_s: how long after its end the host waits before it looks for traces.
        seconds: CPU seconds of a call, where the usual limit is too short for what it tries.
        machine: the architecture that it is for, or None for any.
    """

    name: str
    tries: str
    family: str
    source: str
    role: Literal["candidate", "improver"]
    evaluations: int = 1
    calls: int = 1
    lingers_s: float = 0.0
    seconds: float | None = None
    machine: str | None = None

    @property
    def runs_here(self) -> bool:
        return self.machine in (None, platform.machine())


def load_attacks() -> list[Attack]:
    """All attacks, by name.

    Raises: ValueError if a file does not say what it is.
    """
    folder = resources.files("selftaught.attacks") / "programs"
    files = [file for file in folder.iterdir() if file.name.endswith(".py")]
    return [_read(file) for file in sorted(files, key=lambda file: file.name)]


def _read(file: Traversable) -> Attack:
    source = file.read_text(encoding="utf-8")
    first, *rest = source.splitlines()
    if not (first.startswith('"""') and first.endswith('"""') and len(first) > 6):
        raise ValueError(f"{file.name}: the first line must say what it tries, as a docstring")
    settings: dict[str, str] = {}
    for line in rest:
        found = _SETTING.match(line)
        if found is None:
            break
        settings[found[1]] = found[2].strip()
    if unknown := settings.keys() - _SETTINGS:
        raise ValueError(f"{file.name}: unknown setting {min(unknown)!r}")
    if settings.get("family") not in FAMILIES:
        raise ValueError(f"{file.name}: `# family:` must be one of {', '.join(FAMILIES)}")
    return Attack(
        name=file.name.removesuffix(".py"),
        tries=first[3:-3],
        family=settings["family"],
        source=source,
        role="improver" if f"def {IMPROVER_ENTRY}(" in source else "candidate",
        evaluations=int(settings.get("evaluations", 1)),
        calls=int(settings.get("calls", 1)),
        lingers_s=float(settings.get("lingers", 0)),
        seconds=float(settings["seconds"]) if "seconds" in settings else None,
        machine=settings.get("machine"),
    )
