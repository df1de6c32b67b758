"""The file that `improve --out` writes: checked before the run, written only at its end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selftaught.core.errors import ConfigError
from selftaught.studies.next_command import next_command


def check_out(out: Path | None, *, force: bool) -> None:
    """Raises: ConfigError if the file could not be written; touches nothing."""
    if out is None:
        return
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder: give a file")
    if os.path.lexists(out) and not force:
        raise ConfigError(f"--out {out} exists: give another file, or --force to replace it")
    if not out.parent.is_dir():
        raise ConfigError(f"--out {out}: there is no folder {out.parent}")
    writable = out if out.exists() else out.parent
    if not os.access(writable, os.W_OK):
        raise ConfigError(f"--out {out} cannot be written: no permission")


def write_out(out: Path | None, result: Mapping[str, Any], store: str, *, force: bool) -> None:
    """Write the best program. Raises: ConfigError that says where the program is kept."""
    if out is None:
        return
    try:
        with out.open("w" if force else "x", encoding="utf-8", errors="surrogatepass") as file:
            file.write(result["best"]["source"])
    except OSError as error:
        raise ConfigError(
            f"--out {out} cannot be written ({error.strerror}); the program is kept: "
            f"{next_command('show', result['run_id'], store)}"
        ) from None
