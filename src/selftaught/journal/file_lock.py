"""A lock of the operating system on a file beside a database; it dies with its holder."""

from __future__ import annotations

import fcntl
import os
import platform
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

from selftaught.journal.holder import NOT_HELD, Holder, LockState, read_holder, told_holder

# Whoever asks whether a run is held shares its lock for some microseconds.
_PATIENCE_S = 0.1

# Descriptors of the locks held. A fork has copies of them, which would keep the locks after us.
_held: set[int] = set()


def lock_file(path: Path) -> int:
    """Become the only holder of a lock among all processes of this machine, until `unlock_file`.

    The file of a holder that was killed is left, and keeps nobody out.

    Raises: BlockingIOError if someone else holds it, this process included; OSError.
    """
    descriptor = _lock(path)
    keep_from_forks(descriptor)
    return descriptor


def unlock_file(path: Path, descriptor: int) -> None:
    """Remove the file, and let the lock go."""
    # While we hold the lock, nobody else removes the file or puts another in its place.
    if _is_at(descriptor, path):
        path.unlink()
    forget_descriptor(descriptor)
    os.close(descriptor)


def file_lock_state(path: Path) -> LockState:
    """Who holds the lock, or held it when it was killed. Changes nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except PermissionError:  # it is another user's
        return LockState(_is_listed(path), None)
    except OSError:  # there is none
        return NOT_HELD
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        is_held = False
    except BlockingIOError:
        is_held = True
    finally:
        os.close(descriptor)
    return LockState(is_held, read_file_holder(path))


def _is_listed(path: Path) -> bool:
    """Whether the system lists a lock of the file, which it does to everybody."""
    with suppress(OSError):
        at = path.lstat()
        device = f"{os.major(at.st_dev):02x}:{os.minor(at.st_dev):02x}:{at.st_ino}"
        return f" {device} " in Path("/proc/locks").read_text()
    return False


def really_holds_file(path: Path, holder: Holder) -> bool:
    """Whether this process of this host has the lock's file open, and locked.

    A number that was written by a process that is gone, or on another host or in another
    container, may be that of anybody here.
    """
    if holder.host != platform.node():
        return False
    process = Path(f"/proc/{holder.pid}")
    with suppress(OSError):
        at = path.lstat()
        for entry in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile
                locks = (process / "fdinfo" / entry.name).read_text()
                if os.path.samestat(entry.stat(), at) and "FLOCK" in locks:
                    return True
    return False


def _lock(path: Path) -> int:
    """An open, locked descriptor of the file that is at the path.

    Raises: BlockingIOError if it is locked; OSError.
    """
    end_s = time.monotonic() + _PATIENCE_S
    while True:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, told_holder().encode("utf-8", "surrogateescape"), 0)
                return descriptor
        except BaseException as error:
            os.close(descriptor)
            if not isinstance(error, BlockingIOError) or time.monotonic() >= end_s:
                raise
            time.sleep(_PATIENCE_S / 10)
            continue
        os.close(descriptor)  # its holder removed it between our two steps


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def read_file_holder(path: Path) -> Holder | None:
    """Who wrote the file; a holder may not have yet, or have removed it already."""
    try:
        return read_holder(path.read_text("utf-8", "replace"))
    except OSError:
        return None


def keep_from_forks(descriptor: int) -> None:
    """From now on no fork of this process keeps what it locks; other programs never do (exec)."""
    _watch_forks()
    _held.add(descriptor)


def forget_descriptor(descriptor: int) -> None:
    _held.discard(descriptor)


@cache
def _watch_forks() -> None:
    os.register_at_fork(after_in_child=_drop_copies)


def _drop_copies() -> None:
    while _held:
        os.close(_held.pop())
