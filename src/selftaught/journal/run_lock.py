"""One process at a time writes a run: an operating-system lock, which dies with its holder."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from selftaught.journal.location import Location, locate, one_line

_LONGEST_COMMAND = 300
# Whoever asks whether a run is held shares its lock for some microseconds.
_PATIENCE_S = 0.1

# Descriptors of the locks held. A fork has copies of them, which would keep the locks after us.
_held: set[int] = set()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a run, as the holder itself has written it into the lock's file.

    Attributes:
        pid: of the process, as its own host counts.
        command: what was typed.
        stop_signal: the signal that ends it in order.
    """

    pid: int
    host: str
    command: str
    stop_signal: int

    def __str__(self) -> str:
        where = "" if self.host == platform.node() else f" on {self.host}"
        return f"process {self.pid}{where} ({self.command})"


@dataclass(frozen=True, slots=True)
class LockState:
    """What can be seen of a run's lock from here.

    Attributes:
        is_held: some process holds it.
        holder: who wrote the file last: who holds it, or did; None if there is no file, or nothing
            to read in it.
    """

    is_held: bool
    holder: Holder | None


NOT_HELD = LockState(False, None)


@contextmanager
def hold_run(store: str | Location, run_id: str) -> Iterator[None]:
    """Be the only holder of a run while the block lasts, among all processes of this machine.

    The lock is on a file beside the database, removed at the end. The file of a holder that was
    killed is left, and keeps nobody out. The store's folder must exist.

    Raises: ConfigError if someone else holds it, this process included, or if there can be no
        lock file.
    """
    location = store if isinstance(store, Location) else locate(store)
    path = _lock_path(location, run_id)
    try:
        descriptor = _lock(path)
    except BlockingIOError:
        holder = _read(path) or "another process"
        raise location.refusal(
            f"run {run_id} is in progress, in {holder}; wait for its end, or stop it"
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


def lock_state(store: str | Location, run_id: str) -> LockState:
    """Who holds a run, or held it when it was killed. Changes nothing."""
    path = _lock_path(store if isinstance(store, Location) else locate(store), run_id)
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
    return LockState(is_held, _read(path))


def _is_listed(path: Path) -> bool:
    """Whether the system lists a lock of the file, which it does to everybody."""
    with suppress(OSError):
        at = path.lstat()
        device = f"{os.major(at.st_dev):02x}:{os.minor(at.st_dev):02x}:{at.st_ino}"
        return f" {device} " in Path("/proc/locks").read_text()
    return False


def series_lock(series_id: str) -> str:
    """The name of the lock of whoever says which run of a series is next."""
    return f"{series_id}.series"


def really_holds(store: str | Location, run_id: str, holder: Holder) -> bool:
    """Whether this process of this host has the lock's file open, and locked.

    A number that was written by a process that is gone, or on another host or in another
    container, may be that of anybody here.
    """
    path = _lock_path(store if isinstance(store, Location) else locate(store), run_id)
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


def _lock_path(location: Location, run_id: str) -> Path:
    """The same for every name of the database."""
    database = location.path.resolve()
    return database.with_name(f"{database.name}.{run_id}.lock")


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
                os.pwrite(descriptor, _note().encode("utf-8", "surrogateescape"), 0)
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


def _note() -> str:
    """Who we are, for those who come later."""
    command = one_line(shlex.join(sys.orig_argv))[:_LONGEST_COMMAND]
    return json.dumps(asdict(Holder(os.getpid(), platform.node(), command, _stop_signal())))


def _stop_signal() -> int:
    """SIGTERM where it is taken; elsewhere, as in a script or a notebook, what Ctrl-C sends."""
    taken = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    is_plain = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    return int(signal.SIGINT if is_plain and taken else signal.SIGTERM)


def _read(path: Path) -> Holder | None:
    """Who wrote it; a holder may not have written it yet, or have removed it already."""
    try:
        said = json.loads(path.read_text("utf-8", "replace"))
        return Holder(
            int(said["pid"]),
            one_line(str(said["host"])),
            one_line(str(said["command"])),
            int(said["stop_signal"]),
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


@cache
def _keep_from_forks() -> None:
    """From now on no fork of this process keeps the locks; other programs never do (exec)."""
    os.register_at_fork(after_in_child=_drop_copies)


def _drop_copies() -> None:
    while _held:
        os.close(_held.pop())
