"""Temporary folders: one a guest, gone with it."""

from __future__ import annotations

import os
from pathlib import Path


def sweep(folder: Path, uid: int | None) -> None:
    """Remove a guest's folder, as the user that owns it; returns when it is gone.

    Args:
        folder: the folder, if it was ever made.
        uid: that user, or None if it is our own.
    """
    pid = os.fork()
    if pid == 0:
        try:
            if uid is not None:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            if folder.is_dir():
                _remove(folder)
        except OSError as error:
            os.write(2, f"cannot remove {folder}: {error}\n".encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _remove(folder: Path) -> None:
    """However deep it is nested: what lies in a folder of it is moved up before that is removed."""
    moved = 0
    while inside := list(folder.iterdir()):
        for path in inside:
            if not path.is_dir():
                path.unlink()
                continue
            path.chmod(0o700)
            for inner in path.iterdir():
                while (place := folder / f"moved-{moved}").exists():
                    moved += 1
                inner.rename(place)
            path.rmdir()
    folder.rmdir()
