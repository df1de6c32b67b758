"""One process at a time writes a run: an operating-system lock, which dies with its holder."""

from __future__ import annotations

import fcntl
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from selftaught.journal.location import Location, locate, one_line

_LONGEST_NOTE = 300

# Descriptors of the locks held. A fork has copies of them, which would keep the locks after us.
_held: set[int] = set()


@contextmanager
def hold_run(store: str | Location, run_id: str) -> Iterator[None]:
    """Be the only holder of a run while the block lasts, among all processes of this machine.

    The lock is on a file beside the database, removed at the end. The file of a holder that was
    killed is left, and keeps nobody out.

    Args:
        store: its URL or location; the folder must exist.
        run_id: the whole id.
    Raises: ConfigError if someone else holds it, this process included, or if there can be no
        lock file.
    """
    location = store if isinstance(store, Location) else locate(store)
    path = _lock_path(location, run_id)
    try:
        descriptor = _lock(path)
    except BlockingIOError:
        raise location.refusal(
            f"run {run_id} is in progress, in {_holder(path)}; wait for its end, or stop it"
        ) from None
    except OSError as error:
        raise location.refusal(f"run {run_id} cannot be locked ({error})") from None
    _keep_from_forks()
    _held.add(descriptor)
    try:
        yield
    finally:
        # While we hold the lock, nobody else removes the file or puts another in its place.
        if _is_at(descriptor, path):
            path.unlink()
        _held.discard(descriptor)
        os.close(descriptor)


def _lock_path(location: Location, run_id: str) -> Path:
    """The same for every name of the database."""
    database = location.path.resolve()
    return database.with_name(f"{database.name}.{run_id}.lock")


def _lock(path: Path) -> int:
    """An open, locked descriptor of the file that is at the path.

    Raises: BlockingIOError if it is locked; OSError.
    """
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, _note().encode("utf-8", "surrogateescape"), 0)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder removed it between our two steps


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _note() -> str:
    """Who we are, for the message to those who come later."""
    command = one_line(shlex.join(sys.orig_argv))[:_LONGEST_NOTE]
    return f"process {os.getpid()} ({command})"


def _holder(path: Path) -> str:
    """Who holds it; a holder may not have written it yet, or have removed it already."""
    try:
        note = path.read_text("utf-8", "replace")
    except OSError:
        note = ""
    return one_line(note) or "another process"


@cache
def _keep_from_forks() -> None:
    """From now on no fork of this process keeps the locks; other programs never do (exec)."""
    os.register_at_fork(after_in_child=_drop_copies)


def _drop_copies() -> None:
    while _held:
        os.close(_held.pop())
