"""Our own guest programs of several modules, as the one text that a guest loads."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from selftaught.core.program import Program

_FOLDER = "guest_programs"


def guest_program(package: str, modules: Sequence[str]) -> Program:
    """The program whose entry is the function `read` of the last module.

    Args:
        package: a folder of `selftaught.analysis.guest_programs`.
        modules: names of its modules, each after those that it imports.
    """
    folder = resources.files("selftaught.analysis") / _FOLDER / package
    lines = ["import sys, types"]
    for module in modules:
        name = f"selftaught.analysis.{_FOLDER}.{package}.{module}"
        text = (folder / f"{module}.py").read_text(encoding="utf-8")
        lines += [
            f"module = sys.modules[{name!r}] = types.ModuleType({name!r})",
            f"exec(compile({text!r}, {f'{module}.py'!r}, 'exec'), module.__dict__)",
        ]
    return Program("\n".join([*lines, "read = module.read", ""]), "read")


def reading_program(name: str) -> Program:
    """One of our programs that read programs: `bypasses`, or `tricks`."""
    return guest_program("audit", ("scopes", "names", "signs", "flag", name))
