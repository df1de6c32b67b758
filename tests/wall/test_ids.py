"""Which ids guests have, by what is mapped: far from others', and blocks of zygotes apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from selftaught.sandboxes.ids import IDS_OF_A_ZYGOTE, Room, find_room

WHOLE = "         0          0 4294967295\n"
ONE = "0 1000 1\n"
ROOTLESS = "0 1000 1\n1 100000 65536\n"


def test_root_of_the_machine_has_room_far_above_all_ids_that_are_handed_out() -> None:
    room = find_room(WHOLE, WHOLE)
    assert room is not None
    assert room.first == 1_900_000_000
    assert room.first + room.blocks * IDS_OF_A_ZYGOTE < 1 << 32


@pytest.mark.parametrize("both", [ONE, "", "0 0 500\n"])
def test_where_few_ids_are_mapped_there_is_no_room(both: str) -> None:
    assert find_room(both, both) is None
    assert find_room(WHOLE, both) is None
    assert find_room(both, WHOLE) is None


def test_a_rootless_container_has_room_in_the_upper_half() -> None:
    room = find_room(ROOTLESS, ROOTLESS)
    assert room is not None
    assert room.first >= 32_768
    assert room.first + room.blocks * IDS_OF_A_ZYGOTE <= 65_537
    assert room.blocks >= 120


stretches = some.lists(
    some.tuples(some.integers(1, 3000), some.integers(1, 3000)), min_size=1, max_size=4
)


@given(stretches, stretches, some.integers(1, 4_194_304), some.integers(0, 10_000))
def test_every_id_of_a_block_is_a_user_and_a_group(
    users: list[tuple[int, int]], groups: list[tuple[int, int]], pid: int, number: int
) -> None:
    def id_map(gaps_and_counts: list[tuple[int, int]]) -> tuple[str, set[int]]:
        lines, ids, start = [], set(), 0
        for gap, count in gaps_and_counts:
            start += gap
            lines.append(f"{start} {100_000 + start} {count}")
            ids |= set(range(start, start + count))
            start += count
        return "\n".join(lines), ids

    (uid_map, uids), (gid_map, gids) = id_map(users), id_map(groups)
    room = find_room(uid_map, gid_map)
    if room is not None:
        block = room.block(pid, number)
        assert set(range(block, block + IDS_OF_A_ZYGOTE)) <= uids & gids


def test_zygotes_have_blocks_of_their_own_as_far_as_the_room_goes() -> None:
    room = Room(32_768, 127)
    mine = {room.block(1234, number) for number in range(64)}
    assert len(mine) == 64
    assert not mine & {room.block(1235, number) for number in range(63)}
    assert len({room.block(pid, 0) for pid in range(1234, 1234 + 127)}) == 127
