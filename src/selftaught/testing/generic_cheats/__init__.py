"""Cheats that fit every task: programs that spoil what the seed program would have returned.

Each file here has one function, `cheat(honest, *args)`: `honest` is the task's own seed program.
"""

from __future__ import annotations

from importlib import resources

from selftaught.core.task import Task

_JOINED = """{seed}


_honest = {entry}


{cheat}


def {entry}(*args):
    return cheat(_honest, *args)
"""


def generic_cheats() -> list[str]:
    """Names of the cheats, in order."""
    files = (item.name for item in resources.files(__name__).iterdir())
    return sorted(
        name.removesuffix(".py")
        for name in files
        if name.endswith(".py") and not name.startswith("_")
    )


def cheat_on(task: Task, name: str) -> str:
    """Source of a program that cheats so on this task."""
    cheat = (resources.files(__name__) / f"{name}.py").read_text(encoding="utf-8")
    seed = task.seed_program().source
    return _JOINED.format(seed=seed.rstrip(), entry=task.entry, cheat=cheat.strip())
