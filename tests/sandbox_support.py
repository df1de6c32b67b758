"""Hostile programs, and slots to run them in: what tests of the wall and of the engine share."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selftaught.core.ports import GuestLimits, Job, Sandbox, Zygote
from selftaught.core.program import Program
from selftaught.executors.session import GuestSession

GUESTS = Path(__file__).parent / "guests"
PLANTED_NAME = "PLANTED_API_KEY"
PLANTED_KEY = "sk-planted-0123456789"

# Settings in which the suite of hostile programs ran; told at the end of the session.
SETTINGS_SEEN: dict[str, str] = {}

HONEST = "def algorithm(x):\n    return x * 2\n"


def guest_source(name: str) -> str:
    """The text of a program in `tests/guests/`; it is never imported."""
    return (GUESTS / f"{name}.py").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Box:
    """One slot: a zygote, and programs run in its guests one after the other."""

    tier: str
    sandbox: Sandbox
    zygote: Zygote
    limits: GuestLimits = field(default_factory=GuestLimits)
    opened: list[GuestSession] = field(default_factory=list)

    def open(
        self, source: str, *, seed: int = 0, limits: GuestLimits | None = None
    ) -> GuestSession:
        """A session of a program; closed with the test, if not earlier."""
        self.opened.append(
            GuestSession(self.zygote, Job(Program(source), limits or self.limits, seed))
        )
        return self.opened[-1]

    def run(
        self,
        source: str,
        *args: Any,
        cpu_s: float = 1.0,
        seed: int = 0,
        limits: GuestLimits | None = None,
    ) -> Any:
        """What one call of the program comes to, in a fresh guest: a value, or `Failed`."""
        session = self.open(source, seed=seed, limits=limits)
        try:
            return session.call(args, cpu_s=cpu_s, seed=seed)
        finally:
            session.close()

    def guest(self, name: str, *args: Any, **how: Any) -> Any:
        """`run` of a program in `tests/guests/`."""
        return self.run(guest_source(name), *args, **how)


def open_descriptors() -> int:
    """Descriptors that this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def descendants(pid: int) -> dict[int, str]:
    """The processes below one, by pid: each with its start time, which tells it from later ones."""
    parents: dict[int, tuple[int, str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = (int(fields[1]), fields[19])
    found: dict[int, str] = {}
    level = {pid}
    while level:
        level = {child for child, (parent, _) in parents.items() if parent in level}
        found |= {child: parents[child][1] for child in level}
    return found


def resident_bytes() -> int:
    """Of this process and of all below it."""
    total = 0
    for pid in [os.getpid(), *descendants(os.getpid())]:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
        total += (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
    return total


def cpu_s_below(pid: int) -> float:
    """CPU time of the processes below one that are there now, in seconds."""
    ticks = 0
    for child in descendants(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def is_alive(pid: int, start: str) -> bool:
    """Whether a process that `descendants` found is still there (and no zombie)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[19] == start and fields[0] != "Z"
