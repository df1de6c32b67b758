"""How many guests there may be at once: what the machine's memory, or its cgroup's, has room for.

A guest is counted with all that it may take, so guests never have more than the bound together. The
places of each kind are counted once, when an executor starts, and each kind has at least one: an
outer improver waits for an inner one, which waits for a candidate or a tool.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from selftaught.core.budget import LEAST_MEMORY_BYTES
from selftaught.core.errors import ConfigError
from selftaught.core.ports import ExecutorServices, GuestLimits
from selftaught.executors.limits import CORES

# The rest is the host's, and for guests that are being ended when the next ones start.
SHARE = 0.8
OUTER_IMPROVERS = 4
INNER_IMPROVERS = 16

_CGROUPS = Path("sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Places:
    """How many guests of each kind there may be at once."""

    candidates: int
    inner: int
    tools: int
    outer: int


def wanted_places(candidates: int | None = None, *, nesting: int = 2) -> Places:
    """What a run takes where memory is plenty.

    Args:
        candidates: how many at once; None for one a core.
        nesting: 0 where there are no improvers, 1 where there are, 2 where improvers improve them.
    """
    most = candidates or CORES
    return Places(
        candidates=most,
        inner=INNER_IMPROVERS if nesting else 0,
        tools=most,
        outer=OUTER_IMPROVERS if nesting > 1 else 0,
    )


def memory_of_machine(root: Path = Path("/")) -> int:
    """Bytes of memory that this process and its children can have.

    Those of the machine, or of the smallest cgroup around this process, version 1 or 2.
    """
    found = (root / "proc/meminfo").read_text(encoding="ascii")
    machine = next(int(line.split()[1]) for line in found.splitlines() if "MemTotal:" in line)
    return min([machine << 10, *_cgroup_limits(root)])


def _cgroup_limits(root: Path) -> Iterable[int]:
    """Every limit on the way from this process's cgroup up; what has none is left out."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return  # a kernel without cgroups
    for line in lines:
        _, controllers, name = line.split(":", 2)
        if not controllers:
            top, limit = root / _CGROUPS, "memory.max"
        elif "memory" in controllers.split(","):
            top, limit = root / _CGROUPS / "memory", "memory.limit_in_bytes"
        else:
            continue
        # In a container the name may be the one outside; what is seen in here begins at the top.
        inside = PurePosixPath(name).relative_to("/")
        for folder in (inside, *inside.parents):
            try:
                said = (top / folder / limit).read_text(encoding="ascii").strip()
            except OSError:
                continue
            if said != "max":
                yield int(said)


def guests_memory(machine_bytes: int) -> int:
    """Bytes that all guests of a run may have together."""
    return int(SHARE * machine_bytes)


def places_for(
    wanted: Places, limits: GuestLimits, machine_bytes: int, tmpdir_bytes: int = 0
) -> Places:
    """At most the wanted places, as many as memory has room for: one of each kind in turn.

    Raises: ConfigError if there is not even room for one of each kind.
    """
    costs = dict.fromkeys(asdict(wanted), limits.memory_bytes)
    costs["candidates"] += tmpdir_bytes
    costs["tools"] = tool_limits(limits).memory_bytes
    left = guests_memory(machine_bytes)
    given = dict.fromkeys(costs, 0)
    while lacking := [kind for kind, most in asdict(wanted).items() if given[kind] < most]:
        fitting = 0
        for kind in lacking:
            if costs[kind] <= left:
                left -= costs[kind]
                given[kind] += 1
                fitting += 1
            elif not given[kind]:
                raise _too_little(len(lacking), limits, machine_bytes, tmpdir_bytes)
        if not fitting:
            break
    return Places(**given)


def places_here(services: ExecutorServices) -> Places:
    """Those of an executor on this machine.

    Raises: ConfigError if memory has no room for one of each.
    """
    wanted = wanted_places(services.slots, nesting=services.nesting)
    return places_for(wanted, services.limits, memory_of_machine(), services.tmpdir_bytes)


def tool_limits(limits: GuestLimits) -> GuestLimits:
    """The limits of guests that run programs of ours: the usual ones, with no more memory than the
    run's own guests have."""
    usual = GuestLimits()
    return replace(usual, memory_bytes=min(usual.memory_bytes, limits.memory_bytes))


def _too_little(
    kinds: int, limits: GuestLimits, machine_bytes: int, tmpdir_bytes: int
) -> ConfigError:
    room = guests_memory(machine_bytes)
    most_mb = (room - tmpdir_bytes) // kinds >> 20
    least_mb = LEAST_MEMORY_BYTES >> 20
    folder = f" and {tmpdir_bytes >> 20:,} MB of --tmpdir-mb" if tmpdir_bytes else ""
    if most_mb >= least_mb:
        advice = f"give --memory-mb {most_mb} or less"
    else:
        needed_mb = math.ceil((kinds * LEAST_MEMORY_BYTES + tmpdir_bytes) / SHARE / (1 << 20))
        advice = f"with --memory-mb {least_mb}, the least, it takes {needed_mb:,} MB"
    return ConfigError(
        f"too little memory: {kinds} guests at once are needed, of "
        f"{limits.memory_bytes >> 20:,} MB each{folder}, and guests may have {room >> 20:,} MB, "
        f"{SHARE:.0%} of the {machine_bytes >> 20:,} MB of this machine or its cgroup: {advice}"
    )
