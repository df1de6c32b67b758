"""The users that guests become: one each, where this process may change to others.

As root of the machine they lie far above any that systems hand out. In a user namespace (rootless
containers, `unshare -Ur`) only some ids exist; where these are too few, or none may be taken,
guests keep the host's, and are held by what does not look at ids.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

IDS_OF_A_ZYGOTE = 256
_MOST_BLOCKS = 1_000_000
_END = 1_900_000_000 + _MOST_BLOCKS * IDS_OF_A_ZYGOTE
_CAP_SETGID, _CAP_SETUID, _CAP_SYS_ADMIN = 6, 7, 21
_SELF = Path("/proc/self")
_zygote_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Room:
    """Ids that guests may have: `blocks` times `IDS_OF_A_ZYGOTE`, from `first` on."""

    first: int
    blocks: int

    def block(self, pid: int, zygote_number: int) -> int:
        """The first id of a zygote's block.

        Sixty-four zygotes of one process lie side by side, those of the next process behind them;
        the number of blocks being odd, few processes share one before all are in use.
        """
        return self.first + (pid * 64 + zygote_number) % self.blocks * IDS_OF_A_ZYGOTE


def take_block(*, without_user_namespace: bool = False) -> int | None:
    """The first id of a block for one more zygote; None where its guests keep the host's id.

    Args:
        without_user_namespace: whether the zygote gets other namespaces. A user namespace of its
            own would have one id only, and the others need a capability without it.
    """
    needed = {_CAP_SETGID, _CAP_SETUID} | ({_CAP_SYS_ADMIN} if without_user_namespace else set())
    if os.getuid() != 0 or not needed <= _capabilities() or _groups_are_fixed():
        return None
    room = find_room((_SELF / "uid_map").read_text(), (_SELF / "gid_map").read_text())
    return None if room is None else room.block(os.getpid(), next(_zygote_numbers))


def find_room(uid_map: str, gid_map: str) -> Room | None:
    """Where guests' ids can be, by the texts of `/proc/self/uid_map` and `gid_map`.

    The upper half of the longest stretch of ids that are users and groups both: the half that is
    less likely to be somebody's. None if it is shorter than one block.
    """
    start, end = max(_in_both(uid_map, gid_map), key=lambda stretch: stretch[1] - stretch[0])
    end = min(end, _END)
    first = max((start + end) // 2, end - _MOST_BLOCKS * IDS_OF_A_ZYGOTE)
    blocks = (end - first) // IDS_OF_A_ZYGOTE
    return Room(first, blocks - 1 + blocks % 2) if blocks else None


def _in_both(uid_map: str, gid_map: str) -> Iterator[tuple[int, int]]:
    """Stretches (start, end) that are in both maps, among them an empty one."""
    yield 0, 0
    for start, end in _stretches(uid_map):
        for other_start, other_end in _stretches(gid_map):
            yield max(start, other_start), min(end, other_end)


def _stretches(id_map: str) -> list[tuple[int, int]]:
    lines = [[int(number) for number in line.split()] for line in id_map.splitlines()]
    return [(start, start + count) for start, _, count in lines]


def _capabilities() -> set[int]:
    status = (_SELF / "status").read_text(encoding="ascii", errors="replace")
    effective = int(status.partition("CapEff:")[2].split()[0], 16)
    return {number for number in range(64) if effective >> number & 1}


def _groups_are_fixed() -> bool:
    """In a namespace that a user made alone, nobody may leave a group."""
    return (_SELF / "setgroups").read_text().strip() == "deny"
