"""The folder that a report is written to: whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from selftaught.core.errors import ConfigError


def check_folder(out: Path, is_own: Callable[[str], bool], *, force: bool) -> None:
    """Touches nothing.

    Args:
        is_own: whether a file of this name may be of an earlier report.
    Raises: ConfigError if the report could not be written, or the folder holds anything else.
    """
    if out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out} is a file: give a folder")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise ConfigError(f"--out {out} cannot be written: no permission")
    there = [path.name for path in out.iterdir()] if out.is_dir() else []
    others = sorted(name for name in there if not is_own(name))
    if others and not force:
        raise ConfigError(
            f"--out {out} holds other files ({_few(others)}): give another folder, or --force to "
            "write the report between them"
        )


def write_folder(out: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, or none; those of the same name are replaced, others left as they are.

    The last file, the page, is put in its place last.

    Raises: ConfigError if it cannot be written.
    """
    try:
        temporary = Path(tempfile.mkdtemp(prefix=".report-", dir=out.parent))
        try:
            for name, content in files.items():
                (temporary / name).write_bytes(content)
            if not out.exists():
                temporary.chmod(0o777 & ~_umask())
                temporary.rename(out)
                return
            for name in files:
                (temporary / name).replace(out / name)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise ConfigError(f"--out {out} cannot be written: {error.strerror}") from None


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
