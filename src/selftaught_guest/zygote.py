"""The zygote: a warm interpreter that forks one locked-down guest for each program.

Started by the host as a script, with a JSON object of settings as its one argument; without a
control socket it only tells what packages need of others. FORK comes in on the control socket, with
the guest's socket and a channel of its own, on which its host is told STARTED (with a pidfd) and
EXITED. It runs no code of programs itself; when the host closes that socket all guests end with it.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

FORK = struct.Struct("<QI")  # memory_bytes, tasks
STARTED = b"started"  # with a pidfd
EXITED = struct.Struct("<id")  # wait status, CPU seconds

_RESTARTED = "SELFTAUGHT_ZYGOTE_RESTARTED"


class _Guest:
    """A live child: its number, pid and place, and the channel on which its host is told of it."""

    def __init__(self, number: int, pid: int, place: int, channel: socket.socket) -> None:
        self.number = number
        self.pid = pid
        self.place = place
        self._channel = channel

    def tell(self, message: bytes, descriptors: Sequence[int] = ()) -> None:
        try:
            socket.send_fds(self._channel, [message], descriptors)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the host wants to know no more of it

    def forget(self) -> None:
        self._channel.close()


class _Children:
    """The live children, by a pidfd of each."""

    def __init__(self, control: socket.socket, first_uid: int | None, scratch: str | None) -> None:
        self._first_uid = first_uid
        self._scratch = scratch
        self._live: dict[int, _Guest] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def wait(self) -> list[int]:
        """Descriptors that are ready: the control socket's, or pidfds of ended children."""
        return [descriptor for descriptor, _ in self._poll.poll()]

    def uid(self, place: int) -> int | None:
        return None if self._first_uid is None else self._first_uid + place

    def folder(self, number: int) -> Path | None:
        """Its temporary folder, if guests have any."""
        return None if self._scratch is None else Path(self._scratch, str(number))

    def free_place(self) -> int:
        taken = {child.place for child in self._live.values()}
        return next(place for place in range(len(taken) + 1) if place not in taken)

    def add(self, child: _Guest) -> None:
        pidfd = os.pidfd_open(child.pid)
        self._live[pidfd] = child
        self._poll.register(pidfd, select.POLLIN)
        child.tell(STARTED, [pidfd])

    def reap(self, pidfd: int) -> None:
        child = self._live.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status, usage = os.wait4(child.pid, 0)
        if (folder := self.folder(child.number)) is not None:
            _sweep(folder, self.uid(child.place))
        child.tell(EXITED.pack(status, usage.ru_utime + usage.ru_stime))
        child.forget()

    def kill_all(self) -> None:
        for child in self._live.values():
            try:
                os.kill(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it ended between two looks


def _sweep(folder: Path, uid: int | None) -> None:
    """Remove a guest's folder, if it was ever made, as the user that owns it (None: our own).

    Returns when it is gone.
    """
    from selftaught_guest import lockdown

    pid = os.fork()
    if pid == 0:
        try:
            if uid is not None:
                lockdown.become(uid)
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


def _child(lockdown: Any, guest: int, **limits: Any) -> NoReturn:
    from selftaught_guest import run

    try:
        lockdown.apply(keep=guest, **limits)
    except OSError as error:
        os.write(guest, _lockdown_failure(error))
        os._exit(1)
    run.serve(guest)


def _lockdown_failure(error: OSError) -> bytes:
    from selftaught_guest import wire

    return wire.pack(("lockdown", str(error)))


def main() -> None:
    settings: dict[str, Any] = json.loads(sys.argv[1])
    sys.path += [settings["package_folder"], *settings["paths"]]
    if settings["control"] is None:
        from selftaught_guest import packages

        sys.stdout.write(json.dumps(packages.what_packages_need(settings["packages"])))
        return
    from selftaught_guest import lockdown as lockdown_module

    first_uid: int | None = settings["first_uid"]
    if _RESTARTED not in os.environ and lockdown_module.prepare_restart(first_uid is not None):
        os.execve(sys.executable, sys.orig_argv, {**os.environ, _RESTARTED: "1"})
    from selftaught_guest import clocks, packages, randomness, run  # noqa: F401 - for later

    control = socket.socket(fileno=settings["control"])
    try:
        packages.preload(settings["modules"], settings["packages"], settings["needed"])
    except ImportError as error:
        control.send(json.dumps({"import_error": str(error)}).encode())
        sys.exit(1)
    lockdown = lockdown_module.Lockdown(settings["tmpdir_bytes"])
    randomness.install()
    clocks.prepare()
    children = _Children(
        control,
        first_uid,
        settings["scratch"] if settings["tmpdir_bytes"] else None,
    )
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"landlock_abi": lockdown.landlock_abi}).encode())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the host's to handle
    numbers = itertools.count(1)
    while True:
        for descriptor in children.wait():
            if descriptor != control.fileno():
                children.reap(descriptor)
                continue
            order, descriptors, _, _ = socket.recv_fds(control, FORK.size, 2)
            if not order:
                children.kill_all()
                os._exit(0)
            memory_bytes, tasks = FORK.unpack(order)
            number, place = next(numbers), children.free_place()
            pid = os.fork()
            if pid == 0:
                _child(
                    lockdown,
                    descriptors[0],
                    uid=children.uid(place),
                    folder=children.folder(number),
                    memory_bytes=memory_bytes,
                    tasks=tasks,
                )
            os.close(descriptors[0])
            channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, 0, descriptors[1])
            children.add(_Guest(number, pid, place, channel))


if __name__ == "__main__":
    main()
