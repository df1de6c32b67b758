"""Which process holds a run, as it says so itself."""

from __future__ import annotations

import json
import os
import platform
import shlex
import signal
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass

from selftaught.core.text import one_line, without_passwords

_LONGEST_COMMAND = 300


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


def told_holder() -> str:
    """Who we are, for those who come later; no password of a store's URL is in it."""
    command = without_passwords(one_line(shlex.join(sys.orig_argv)))[:_LONGEST_COMMAND]
    return json.dumps(asdict(Holder(os.getpid(), platform.node(), command, _stop_signal())))


def _stop_signal() -> int:
    """SIGTERM where it is taken; elsewhere, as in a script or a notebook, what Ctrl-C sends."""
    taken = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    is_plain = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    return int(signal.SIGINT if is_plain and taken else signal.SIGTERM)


def read_holder(said: str) -> Holder | None:
    """Who wrote it; None if nobody has yet, or nothing can be read in it."""
    with suppress(ValueError, TypeError, KeyError):
        fields = json.loads(said)
        return Holder(
            int(fields["pid"]),
            one_line(str(fields["host"])),
            one_line(str(fields["command"])),
            int(fields["stop_signal"]),
        )
    return None
