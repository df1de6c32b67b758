"""Our own guest programs of several modules, as the one text that a guest loads."""

from __future__ import annotations

from importlib import resources

from selftaught.core.program import Program

_PACKAGE = "selftaught.analysis.guest_programs"


def guest_program(*modules: str, entry: str = "read") -> Program:
    """The program whose entry is a function of the last module.

    Args:
        modules: of `selftaught.analysis.guest_programs`, each after those that it imports.
    """
    folder = resources.files(_PACKAGE)
    lines = ["import sys, types"]
    for module in modules:
        name = f"{_PACKAGE}.{module}"
        text = (folder / f"{module}.py").read_text(encoding="utf-8")
        lines += [
            f"module = sys.modules[{name!r}] = types.ModuleType({name!r})",
            f"exec(compile({text!r}, {f'{module}.py'!r}, 'exec'), module.__dict__)",
        ]
    return Program("\n".join([*lines, f"{entry} = module.{entry}", ""]), entry)


def reading_program(name: str) -> Program:
    """What looks for signs in programs: for `bypasses`, or for `tricks`."""
    return guest_program("names", "signs", entry=name)
