"""`selftaught new-task` and `new-improver`: files to start from."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from selftaught.cli.options import SectionedCommand
from selftaught.core.errors import ConfigError

# Both the name of a task and of a module.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_PLACEHOLDER = "{{name}}"

# Each file, and the skeleton of which it is made; the one that is used comes last.
_TASK = {
    f"{_PLACEHOLDER}_seed.py": "task_seed.txt",
    f"{_PLACEHOLDER}_cheats/lighter_items.py": "cheat_lighter_items.txt",
    f"{_PLACEHOLDER}_cheats/more_items.py": "cheat_more_items.txt",
    f"test_{_PLACEHOLDER}.py": "task_test.txt",
    f"{_PLACEHOLDER}.py": "task.txt",
}
_IMPROVER = {
    f"test_{_PLACEHOLDER}.py": "improver_test.txt",
    f"{_PLACEHOLDER}.py": "improver.txt",
}


@click.command(cls=SectionedCommand, short_help="Write a task to start from, with its tests.")
@click.argument("name")
def new_task(name: str) -> None:
    """Write a task to start from, with its tests, into the current folder.

    It is an example that runs as it stands: NAME.py says what is scored and how, NAME_seed.py is
    the program to begin with, NAME_cheats holds programs that try to score without solving, and
    test_NAME.py tests the task. Nothing that exists is overwritten.
    """
    _write(_filled(_checked(name), _TASK))
    _tell(
        {
            f"{name}.py": "the task: what is scored, and how",
            f"{name}_seed.py": "the program to begin with",
            f"{name}_cheats{os.sep}": "programs that try to score without solving",
            f"test_{name}.py": "its tests",
        },
        (f"python -m pytest test_{name}.py", f"selftaught improve {name}.py --lm-calls 4"),
    )


@click.command(cls=SectionedCommand, short_help="Write an improver to start from, with its tests.")
@click.argument("name")
def new_improver(name: str) -> None:
    """Write an improver to start from, with its tests, into the current folder.

    It is an example that runs as it stands: NAME.py is the improver, with comments that say what
    it can use, and test_NAME.py runs it on a small task. Nothing that exists is overwritten.
    """
    _write(_filled(_checked(name), _IMPROVER))
    _tell(
        {f"{name}.py": "the improver", f"test_{name}.py": "its tests"},
        (f"python -m pytest test_{name}.py", f"selftaught run bin_packing --improver {name}.py"),
    )


def _checked(name: str) -> str:
    """Raises: ConfigError if it cannot be the name of a task and of a Python file."""
    import keyword
    from importlib.util import find_spec

    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} is not a name: use letters, digits and '_', with a letter first, 64 at most"
        )
    if keyword.iskeyword(name):
        raise ConfigError(f"{name!r} is a word of Python's own: give another name")
    if not os.path.lexists(f"{name}.py") and find_spec(name) is not None:
        raise ConfigError(f"{name}.py would hide the Python module {name}: give another name")
    return name


def _filled(name: str, skeletons: Mapping[str, str]) -> dict[Path, str]:
    """Text of each file."""
    from importlib.resources import files

    folder = files("selftaught.cli") / "skeletons"
    return {
        Path(file.replace(_PLACEHOLDER, name)): (folder / skeleton)
        .read_text(encoding="utf-8")
        .replace(_PLACEHOLDER, name)
        for file, skeleton in skeletons.items()
    }


def _write(texts: Mapping[Path, str]) -> None:
    """All of the files, or none. Raises: ConfigError that names the file."""
    folders = dict.fromkeys(path.parent for path in texts if path.parent != Path())
    at_the_top = [path for path in texts if path.parent not in folders]
    there = sorted(path for path in (*folders, *at_the_top) if os.path.lexists(path))
    if there:
        listed = ", ".join(str(path) for path in there)
        raise ConfigError(f"nothing is overwritten, and there is {listed}: give another name")
    made: list[Path] = []
    try:
        for path, text in texts.items():
            if path.parent in folders and path.parent not in made:
                path.parent.mkdir()
                made.append(path.parent)
            with path.open("x", encoding="utf-8") as file:
                made.append(path)
                file.write(text)
    except BaseException as error:
        for path_made in reversed(made):
            path_made.rmdir() if path_made in folders else path_made.unlink()
        if isinstance(error, OSError):
            raise ConfigError(
                f"{path} cannot be written ({error.strerror}); nothing was written"
            ) from None
        raise


def _tell(written: Mapping[str, str], commands: Sequence[str]) -> None:
    width = max(map(len, written))
    click.echo("Wrote")
    for file, what in written.items():
        click.echo(f"  {file:<{width}}  {what}")
    click.echo("Next")
    for command in commands:
        click.echo(f"  {command}")
