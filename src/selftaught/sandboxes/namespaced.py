"""Tier `namespaced`: the zygote inside bubblewrap, with Landlock and seccomp in each guest."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from selftaught.core.errors import InfrastructureError
from selftaught.core.ports import GuestLimits
from selftaught.sandboxes.ids import take_block
from selftaught.sandboxes.layout import SCRATCH, Layout
from selftaught.sandboxes.zygote_process import ZygoteProcess, spawn

_SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/bin", "/etc/ld.so.cache", "/nix/store")
_OWN_TASKS = 8  # bubblewrap's reaper and the zygote, with room to start a thread


class NamespacedSandbox:
    """Its own pid, network, IPC, host name and mount namespaces.

    And its own user namespace, unless each guest becomes a user of its own.
    """

    tier = "namespaced"

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def start(self, *, guests: int = 1, modules: Sequence[str] = ()) -> ZygoteProcess:
        first_uid = take_block(without_user_namespace=True)

        def tasks(limits: GuestLimits) -> int:
            return limits.threads if first_uid else _OWN_TASKS + limits.threads * guests

        # Guests of one zygote share the room of its folders, so only those that are alone have one.
        layout = self._layout if guests == 1 else replace(self._layout, tmpdir_bytes=0)
        return spawn(
            layout,
            lambda: bubblewrap_command(layout, own_users=first_uid is not None),
            tasks,
            modules,
            guests == 1,
            first_uid,
        )


def bubblewrap_command(layout: Layout, own_users: bool) -> list[str]:
    """bubblewrap and its arguments, up to the command to run.

    Raises: InfrastructureError if bubblewrap is not installed.
    """
    bubblewrap = shutil.which(
        "bwrap", path="/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin"
    )
    if bubblewrap is None:
        raise InfrastructureError("bubblewrap (bwrap) is not installed")
    command = [
        bubblewrap,
        *("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
        *("--die-with-parent", "--new-session", "--hostname", "guest", "--cap-drop", "ALL"),
    ]
    if own_users:
        # RLIMIT_NPROC does nothing for uid 0, even mapped: guests take a user of their own.
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_SETPCAP"):
            command += ["--cap-add", capability]
    else:
        # Asked for by name, so that a machine that forbids it says so instead of going without.
        command += ["--unshare-user"]
    scratch = ["--perms", "1777", "--size", str(layout.tmpdir_bytes), "--tmpfs", SCRATCH]
    command += [*_mounts(layout), *(scratch if layout.tmpdir_bytes else [])]
    return [*command, "--remount-ro", "/", "--chdir", "/", "--"]


def _mounts(layout: Layout) -> list[str]:
    """The system's libraries and the interpreter, read-only; no /proc, no /dev, no home."""
    arguments: list[str] = []
    made: set[Path] = set()
    covered: list[Path] = []
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            arguments += ["--symlink", str(path.readlink()), str(path)]
        elif path.exists():
            arguments += [*_ancestors(path, made), "--ro-bind", str(path), str(path)]
            covered.append(path)
    for path in layout.read_only:
        if not any(path.is_relative_to(folder) for folder in covered):
            arguments += [*_ancestors(path, made), "--ro-bind", str(path), str(path)]
            covered.append(path)
    return arguments


def _ancestors(path: Path, made: set[Path]) -> Iterable[str]:
    """Parents that bubblewrap would make with mode 0700, which another user could not pass."""
    for parent in reversed(path.parents[:-1]):
        if parent not in made:
            made.add(parent)
            yield from ("--perms", "0755", "--dir", str(parent))
