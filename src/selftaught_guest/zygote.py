"""The zygote: a warm interpreter that forks one locked-down guest for each program.

Started by the host as a script, with a JSON object of settings as its one argument. It speaks with
the host over a SOCK_SEQPACKET socket: FORK in (with the guest's socket), STARTED (with a pidfd) and
EXITED out. It runs no untrusted code itself; when the host closes the socket it ends with all its
children.
"""

from __future__ import annotations

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

FORK = struct.Struct("<IQI")  # id, memory_bytes, tasks
STARTED = struct.Struct("<cI")  # b"S", id (with a pidfd)
EXITED = struct.Struct("<cIid")  # b"E", id, wait status, CPU seconds

_RESTARTED = "SELFTAUGHT_ZYGOTE_RESTARTED"


class _OnlyPreloaded(importlib.abc.MetaPathFinder):
    """The end of the import system: what is not loaded by now does not exist."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        raise ImportError(f"no module {name!r} in the sandbox", name=name)


class _OnlyNamed(importlib.abc.MetaPathFinder):
    """While modules are loaded: of what else lies in the same folders, nothing."""

    def __init__(self, packages: Sequence[str]) -> None:
        named = {name.partition(".")[0] for name in packages}
        self._known = sys.stdlib_module_names | named | {"numpy", "selftaught_guest"}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        top = name.partition(".")[0]
        if top not in self._known and not top.startswith("_sysconfigdata_"):
            raise ModuleNotFoundError(f"no module {name!r} was named", name=name)
        return None


def _preload(modules: Sequence[str], packages: Sequence[str]) -> None:
    sys.meta_path.insert(0, _OnlyNamed(packages))
    for name in modules:
        importlib.import_module(name)
    for name in packages:
        _load_whole(name)
    from selftaught_guest import helpers

    sys.modules["helpers"] = helpers
    _warm_up()
    sys.path[:] = []
    sys.path_hooks[:] = []
    sys.path_importer_cache.clear()
    sys.meta_path[:] = [_OnlyPreloaded()]


def _load_whole(name: str) -> None:
    """Import a package and the submodules that it lists, which may be loaded late otherwise."""
    package = importlib.import_module(name)
    if hasattr(package, "__path__"):
        for listed in getattr(package, "__all__", ()):
            if importlib.util.find_spec(f"{name}.{listed}") is not None:
                importlib.import_module(f"{name}.{listed}")


def _warm_up() -> None:
    """Touch what nearly every program uses, so that children share the pages."""
    import numpy as np

    rng = np.random.default_rng(0)
    matrix = rng.random((8, 8))
    np.linalg.solve(matrix + np.eye(8), matrix[0])
    np.sort(matrix @ matrix, axis=0).argmax()
    compile("def f(x):\n    return [y for y in x]\n", "<warm>", "exec")
    try:
        raise ImportError
    except ImportError:
        import traceback

        traceback.format_exc()
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


class _Children:
    """The live children: id, pid and a pidfd of each."""

    def __init__(self, control: socket.socket, first_uid: int | None, scratch: str | None) -> None:
        self._control = control
        self._first_uid = first_uid
        self._scratch = scratch
        self._live: dict[int, tuple[int, int, int]] = {}  # pidfd: (id, pid, place)
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def wait(self) -> list[int]:
        """Descriptors that are ready: the control socket's, or pidfds of ended children."""
        return [descriptor for descriptor, _ in self._poll.poll()]

    def uid(self, place: int) -> int | None:
        return None if self._first_uid is None else self._first_uid + place

    def folder(self, child_id: int) -> Path | None:
        """Its temporary folder, if guests have any."""
        return None if self._scratch is None else Path(self._scratch, str(child_id))

    def free_place(self) -> int:
        taken = {place for _, _, place in self._live.values()}
        return next(place for place in range(len(taken) + 1) if place not in taken)

    def add(self, child_id: int, pid: int, place: int) -> None:
        pidfd = os.pidfd_open(pid)
        self._live[pidfd] = (child_id, pid, place)
        self._poll.register(pidfd, select.POLLIN)
        socket.send_fds(self._control, [STARTED.pack(b"S", child_id)], [pidfd])

    def reap(self, pidfd: int) -> None:
        child_id, pid, place = self._live.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status, usage = os.wait4(pid, 0)
        if (folder := self.folder(child_id)) is not None:
            from selftaught_guest import scratch

            scratch.sweep(folder, self.uid(place))
        self._control.send(EXITED.pack(b"E", child_id, status, usage.ru_utime + usage.ru_stime))

    def kill_all(self) -> None:
        for _, pid, _ in self._live.values():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it ended between two looks


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
    from selftaught_guest import lockdown as lockdown_module

    if _RESTARTED not in os.environ and lockdown_module.prepare_restart():
        os.execve(sys.executable, sys.orig_argv, {**os.environ, _RESTARTED: "1"})
    from selftaught_guest import clocks, randomness, run, scratch, services  # noqa: F401 - for later

    control = socket.socket(fileno=settings["control"])
    try:
        _preload(settings["modules"], settings["packages"])
    except ImportError as error:
        control.send(json.dumps({"import_error": str(error)}).encode())
        sys.exit(1)
    lockdown = lockdown_module.Lockdown(settings["tmpdir_bytes"])
    randomness.install()
    clocks.prepare()
    children = _Children(
        control,
        settings["first_uid"] if os.getuid() == 0 else None,
        settings["scratch"] if settings["tmpdir_bytes"] else None,
    )
    gc.collect()
    gc.freeze()
    control.send(json.dumps({"landlock_abi": lockdown.landlock_abi}).encode())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the host's to handle
    while True:
        for descriptor in children.wait():
            if descriptor != control.fileno():
                children.reap(descriptor)
                continue
            order, descriptors, _, _ = socket.recv_fds(control, FORK.size, 1)
            if not order:
                children.kill_all()
                os._exit(0)
            child_id, memory_bytes, tasks = FORK.unpack(order)
            place = children.free_place()
            pid = os.fork()
            if pid == 0:
                _child(
                    lockdown,
                    descriptors[0],
                    uid=children.uid(place),
                    folder=children.folder(child_id),
                    memory_bytes=memory_bytes,
                    tasks=tasks,
                )
            os.close(descriptors[0])
            children.add(child_id, pid, place)


if __name__ == "__main__":
    main()
