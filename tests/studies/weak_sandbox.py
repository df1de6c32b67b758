"""A sandbox that holds nothing: guests are plain processes, with all that a process may do.

A positive control: what the audit counts as having come out of the sandbox can come out of this.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from selftaught.core.ports import ExitReport, GuestLimits

_SERVE = """
import sys
from selftaught_guest import clocks, helpers, randomness, run

sys.modules["helpers"] = helpers
randomness.install()
clocks.prepare()
run.serve(int(sys.argv[1]))
"""
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class WeakGuest:
    """A plain process that serves one program."""

    def __init__(self) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SERVE, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

    def cpu_s(self) -> float:
        try:
            text = Path(f"/proc/{self._process.pid}/stat").read_text()
        except OSError:
            return 0.0
        fields = text.rpartition(")")[2].split()
        # What starting an interpreter takes is no fault of the program's.
        return max(0.0, (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND - 2.0)

    def threads(self) -> int:
        return 0 if self._process.poll() is not None else 1

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self.socket.close()

    def report(self) -> ExitReport:
        by_us = self._process.poll() is None
        self.close()
        return ExitReport(self._process.returncode, None, 0.0, by_us)


@dataclass
class WeakZygote:
    guests: list[WeakGuest] = field(default_factory=list)

    def ready(self) -> None:
        """There is nothing to wait for."""

    def describe(self) -> str:
        return "nothing"

    def fork(self, limits: GuestLimits) -> WeakGuest:
        self.guests.append(WeakGuest())
        return self.guests[-1]

    def close(self) -> None:
        for guest in self.guests:
            guest.close()


class WeakSandbox:
    """A tier that is none."""

    tier = "weak"

    def start(self, *, guests: int = 1, modules: Sequence[str] = ()) -> WeakZygote:
        return WeakZygote()
