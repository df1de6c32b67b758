"""Tier `sealed`: seccomp with no path system call at all, where namespaces cannot be had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from selftaught.core.errors import InfrastructureError
from selftaught.core.ports import GuestLimits
from selftaught.sandboxes.ids import take_block
from selftaught.sandboxes.layout import Layout
from selftaught.sandboxes.zygote_process import ZygoteProcess, spawn

# RLIMIT_NPROC counts all tasks of a user, so where guests keep ours, what others of it may start is
# allowed for. (Of the machine's root it counts none at all; the host's looks bound them.)
_MARGIN_TASKS = 2048


class SealedSandbox:
    """A zygote as a plain child process; its guests lock themselves down before they load."""

    tier = "sealed"

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def start(self, *, guests: int = 1, modules: Sequence[str] = ()) -> ZygoteProcess:
        if self._layout.tmpdir_bytes:
            raise InfrastructureError(
                "a temporary folder needs the tier namespaced: this one has no path calls at all"
            )
        first_uid = take_block()
        others = _tasks_of_user(os.getuid()) + _MARGIN_TASKS if first_uid is None else 0

        def tasks(limits: GuestLimits) -> int:
            return limits.threads if first_uid else others + limits.threads * guests

        return spawn(self._layout, list, tasks, modules, guests == 1, first_uid)


def _tasks_of_user(uid: int) -> int:
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if entry.stat().st_uid == uid:
                total += sum(1 for _ in (entry / "task").iterdir())
        except OSError:
            continue  # it ended while we looked
    return total
