"""The improvers that are shipped, and those of files; read as text, and never imported."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from selftaught.core.errors import ConfigError
from selftaught.core.program import IMPROVER_ENTRY, Program


def improver_names() -> list[str]:
    """Names of the improvers that are shipped."""
    folder = resources.files("selftaught") / "improvers"
    return sorted(item.name.removesuffix(".py") for item in folder.iterdir() if item.is_file())


def own_program(name: str) -> Program:
    """An improver that a study brings for itself."""
    folder = resources.files("selftaught.studies") / "guest_programs"
    return Program((folder / f"{name}.py").read_text(encoding="utf-8"), IMPROVER_ENTRY)


def load_improver(name_or_path: str | Path) -> Program:
    """An improver by its name, or the text of a file. It is read, and never imported.

    Raises: ConfigError if there is none.
    """
    text = str(name_or_path)
    if text in improver_names():
        source = resources.files("selftaught") / "improvers" / f"{text}.py"
        return Program(source.read_text(encoding="utf-8"), IMPROVER_ENTRY)
    path = Path(text)
    if not path.is_file():
        raise ConfigError(
            f"unknown improver {text!r}: there are {', '.join(improver_names())}, or give a file.py"
        )
    try:
        return Program(path.read_text(encoding="utf-8-sig"), IMPROVER_ENTRY)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the improver {path}: {error}") from None
