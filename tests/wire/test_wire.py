"""Frames hold data and nothing else, and whatever bytes come in, only `WireError` comes out."""

from __future__ import annotations

import math
import struct
import time
import tracemalloc
from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_strategies import LIMIT, arrays, data
from selftaught_guest import wire


def packed(value: Any) -> bytes:
    """The payload of a value's frame."""
    return wire.pack(value)[wire.HEADER.size :]


def there_and_back(value: Any) -> Any:
    return wire.unpack(packed(value))


def same(left: Any, right: Any) -> bool:
    """Equal in type and value; NaN equals NaN; arrays may change their byte order."""
    if isinstance(left, (np.ndarray, np.generic)):
        return (
            isinstance(right, type(left))
            and left.dtype.newbyteorder("=") == right.dtype
            and left.shape == right.shape
            and left.astype(right.dtype).tobytes() == right.tobytes()
        )
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return struct.pack("d", left) == struct.pack("d", right) or (
            left != left and right != right
        )
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same(list(left.keys()), list(right.keys())) and same(
            list(left.values()), list(right.values())
        )
    return bool(left == right)


# --- what is data -------------------------------------------------------------------------------


@given(data)
def test_data_of_every_kind_arrives_as_it_was(value: Any) -> None:
    assert same(value, there_and_back(value))


@given(arrays)
def test_an_array_arrives_writable_and_in_the_machines_byte_order(array: Any) -> None:
    arrived = there_and_back(array)
    assert arrived.flags.writeable
    assert arrived.dtype.isnative
    assert same(array, arrived)


@given(arrays.filter(lambda array: array.size > 0))
def test_numpy_scalars_arrive_as_numpy_scalars(array: Any) -> None:
    scalar = array.ravel()[0]
    assert same(scalar, there_and_back(scalar))


@pytest.mark.parametrize("dtype", wire.DTYPES, ids=str)
def test_arrays_that_are_not_contiguous_arrive_whole(dtype: np.dtype[Any]) -> None:
    whole = np.arange(60).reshape(3, 4, 5).astype(dtype)
    for view in (whole[::2, ::-1], whole.T, whole[:, 1:1], np.broadcast_to(whole[0, 0], (7, 5))):
        assert same(view, there_and_back(view))
    assert same(np.asfortranarray(whole), there_and_back(np.asfortranarray(whole)))


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, -0.0, 5e-324, LIMIT - 1, 1 - LIMIT, 2**63, 2**63 - 1, -(2**63)],
)
def test_numbers_at_the_edges_arrive(value: float) -> None:
    assert same(value, there_and_back(value))
    assert same([value] * 20, there_and_back([value] * 20))
    assert same((value, True, 1, 1.0), there_and_back((value, True, 1, 1.0)))


def test_long_lists_of_one_kind_and_of_mixed_kinds_arrive_with_their_types() -> None:
    for values in ([0.5] * 100, list(range(100)), [1, 1.0, True] * 30, [2**70, *range(20)]):
        assert same(values, there_and_back(values))


def test_subclasses_arrive_as_their_base() -> None:
    pair = namedtuple("pair", "left right")
    assert there_and_back(pair(1, "two")) == (1, "two")
    assert same({"b": 1, "a": 2}, there_and_back(OrderedDict(b=1, a=2)))
    assert same(np.eye(2), there_and_back(np.ma.masked_array(np.eye(2))))


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        frozenset(),
        1j,
        len,
        lambda: 0,
        range(3),
        bytearray(b"x"),
        memoryview(b"x"),
        Exception("x"),
        np.array([object()]),
        np.array(["text"]),
        np.array([b"x"]),
        np.array([(1, 2.0)], dtype="i4,f8"),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.zeros(3, dtype=np.longdouble),
        np.zeros((1,) * (wire.MAX_NDIM + 1)),
        "\ud800",
        ["fine", "a lone surrogate \udfff"],
        {"\udc80": 1},
        {1: {2: {3}}},
        LIMIT,
        -LIMIT - 1,
        1 << 100_000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_data_is_refused(value: Any) -> None:
    with pytest.raises(wire.WireError):
        wire.pack(value)
    with pytest.raises(wire.WireError):
        wire.pack({"nested": [value]})


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v,), lambda v: {"k": v}])
def test_nesting_is_bounded_on_both_sides(wrap: Any) -> None:
    value: Any = 1
    for _ in range(wire.MAX_DEPTH):
        value = wrap(value)
    assert same(value, there_and_back(value))
    with pytest.raises(wire.WireError, match="deep"):
        wire.pack(wrap(value))
    for _ in range(10_000):
        value = wrap(value)
    with pytest.raises(wire.WireError, match="deep"):
        wire.pack(value)


# --- hostile bytes ------------------------------------------------------------------------------


def unpack_or_refuse(payload: bytes) -> None:
    """Unpacks, and lets nothing but `WireError` be raised."""
    try:
        wire.unpack(payload)
    except wire.WireError:
        pass


@given(st.binary(max_size=200))
@settings(max_examples=400)
def test_random_bytes_raise_nothing_but_wire_errors(payload: bytes) -> None:
    unpack_or_refuse(payload)


@given(st.lists(st.sampled_from(b"NTFiIfsbltLJdag\x00\x01\x02\xff"), max_size=120).map(bytes))
@settings(max_examples=400)
def test_random_tags_and_lengths_raise_nothing_but_wire_errors(payload: bytes) -> None:
    unpack_or_refuse(payload)


@given(data, st.data())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_mutated_frames_raise_nothing_but_wire_errors(value: Any, draw: st.DataObject) -> None:
    payload = bytearray(packed(value))
    for _ in range(draw.draw(st.integers(1, 4))):
        place = draw.draw(st.integers(0, len(payload)))
        deed = draw.draw(st.sampled_from(["set", "cut", "insert"]))
        if deed == "set" and place < len(payload):
            payload[place] = draw.draw(st.integers(0, 255))
        elif deed == "cut":
            del payload[place:]
        else:
            payload[place:place] = draw.draw(st.binary(max_size=6))
    unpack_or_refuse(bytes(payload))


@given(data)
def test_a_frame_cut_short_or_followed_by_more_is_refused(value: Any) -> None:
    payload = packed(value)
    with pytest.raises(wire.WireError):
        wire.unpack(payload + b"N")
    for end in range(0, len(payload), max(1, len(payload) // 20)):
        with pytest.raises(wire.WireError):
            wire.unpack(payload[:end])


def _u32(number: int) -> bytes:
    return struct.pack("<I", number)


def _array(code: int, shape: tuple[int, ...], body: bytes = b"") -> bytes:
    return b"a" + bytes([code, len(shape)]) + b"".join(struct.pack("<Q", n) for n in shape) + body


F64 = wire.DTYPES.index(np.dtype("float64"))
LIES = {
    "an empty payload": b"",
    "an unknown tag": b"?",
    "a list that announces 4 billion items": b"l" + _u32(0xFFFFFFFF),
    "a tuple that announces a million items": b"t" + _u32(1_000_000),
    "a dict that announces 4 billion items": b"d" + _u32(0xFFFFFFFF),
    "a text that announces 4 GB": b"s" + _u32(0xFFFFFFFF),
    "bytes that announce 4 GB": b"b" + _u32(0xFFFFFFFF) + b"x" * 100,
    "4 billion floats": b"L" + _u32(0xFFFFFFFF),
    "4 billion integers": b"J" + _u32(0xFFFFFFFF),
    "a text that is not UTF-8": b"s" + _u32(2) + b"\xff\xfe",
    "a text with an encoded surrogate": b"s" + _u32(3) + b"\xed\xa0\x80",
    "an integer of 4 GB": b"I" + _u32(0xFFFFFFFF),
    "an integer over the cap": b"I" + _u32(wire.MAX_INT_BYTES + 1) + b"\x01" * 600,
    "a key that is a list": b"d" + _u32(1) + b"l" + _u32(0) + b"N",
    "a key that is an array": b"d" + _u32(1) + _array(F64, (0,)) + b"N",
    "a key that is a tuple with a list": b"d" + _u32(1) + b"t" + _u32(1) + b"l" + _u32(0) + b"N",
    "an unknown dtype": _array(len(wire.DTYPES), (0,)),
    "dtype 255": _array(255, (0,)),
    "17 dimensions": _array(F64, (1,) * 17, b"\x00" * 8),
    "255 dimensions": b"a" + bytes([F64, 255]) + b"\x00" * 3000,
    "a shape whose product is 2^63": _array(F64, (1 << 21, 1 << 21, 1 << 21)),
    "a shape whose product wraps to 0": _array(F64, (1 << 32, 1 << 32), b"\x00" * 8),
    "a shape whose product wraps to 8": _array(F64, ((1 << 63) + 4, 2), b"\x00" * 64),
    "an empty array that hides 2^64": _array(F64, (0, (1 << 64) - 1)),
    "an empty array that hides 2^40": _array(F64, (1 << 20, 0, 1 << 20)),
    "a length of -1": _array(F64, ((1 << 64) - 1,)),
    "an array longer than its bytes": _array(F64, (3,), b"\x00" * 16),
    "an array shorter than its bytes": _array(F64, (1,), b"\x00" * 16),
    "a truth value of 2": _array(0, (1,), b"\x02"),
    "a truth scalar of 255": b"g\x00\xff",
    "a scalar cut short": b"g" + bytes([F64]) + b"\x00" * 7,
    "lists 10,000 deep": (b"l" + _u32(1)) * 10_000 + b"N",
    "tuples and dicts a million deep": (b"t" + _u32(1) + b"d" + _u32(1) + b"N") * 500_000,
}


@pytest.mark.parametrize("payload", LIES.values(), ids=LIES.keys())
def test_a_lying_frame_is_refused_at_once_and_in_little_memory(payload: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(wire.WireError):
            wire.unpack(payload)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


HALF = wire.MAX_COST // 2
ARRAY_OF_ONE = _array(1, (), b"\x01")
COSTLY = {
    "values": b"l" + _u32(wire.MAX_COST + 1) + b"N" * (wire.MAX_COST + 1),
    "lists in lists": b"l" + _u32(751) + (b"l" + _u32(1000) + b"N" * 1000) * 751,
    "keys and values": b"d" + _u32(HALF + 1) + (b"s" + _u32(0) + b"N") * (HALF + 1),
    "arrays of no dimension": b"l" + _u32(HALF) + ARRAY_OF_ONE * HALF,
    "scalars": b"l" + _u32(HALF) + b"g\x01\x01" * HALF,
    "arrays of many dimensions": b"l" + _u32(50_000) + _array(1, (1,) * 16, b"\x01") * 50_000,
}


@pytest.mark.parametrize("payload", COSTLY.values(), ids=COSTLY.keys())
def test_what_a_frame_costs_is_bounded_over_the_whole_of_it(payload: bytes) -> None:
    with pytest.raises(wire.WireError, match="more than 750,000 values"):
        wire.unpack(payload)
    assert wire.unpack(payload, most_cost=None)


def test_long_lists_of_one_kind_and_arrays_cost_little() -> None:
    for value in ([0.5] * 1_000_000, list(range(1_000_000)), np.zeros((1000, 1000))):
        assert same(value, there_and_back(value))


def test_keys_made_to_collide_do_not_stop_the_host() -> None:
    """Integers that are equal modulo 2^61 - 1 have one hash: a dict of them takes n^2 steps."""
    prime = (1 << 61) - 1
    count = wire.MAX_ODD_KEYS
    entries = b"".join(
        b"I" + _u32(12) + ((i + 10) * prime).to_bytes(12, "little", signed=True) + b"N"
        for i in range(count)
    )
    before_s = time.process_time()
    with pytest.raises(wire.WireError, match="collide"):
        wire.unpack(b"d" + _u32(count) + entries)
    assert time.process_time() - before_s < 2


def test_large_dicts_with_keys_of_text_are_data() -> None:
    value = {f"key {i}": i for i in range(100_000)}
    assert there_and_back(value) == value


def test_keys_that_can_be_made_to_collide_are_few() -> None:
    most = wire.MAX_ODD_KEYS
    for odd in (lambda i: i, lambda i: (i + 1) << 80, lambda i: i + 0.5, lambda i: (i, i)):
        assert len(wire.unpack(wire.pack({odd(i): 0 for i in range(most)})[4:])) == most
        with pytest.raises(wire.WireError, match="keys that are no text"):
            wire.unpack(wire.pack({odd(i): 0 for i in range(most + 1)})[4:])


HONEST = {
    "many pairs": [(i, i + 1) for i in range(100_000)],
    "a grid of truth values": [[True] * 600] * 600,
    "numpy's numbers": list(np.arange(120_000) / 7),
    "short lists": [[0.5] * 3] * 120_000,
    "numbers of two kinds": [1, 0.5] * 200_000,
    "a table by pairs": {(i, j): 0.5 for i in range(100) for j in range(100)},
}


@pytest.mark.parametrize("value", HONEST.values(), ids=HONEST.keys())
def test_what_honest_programs_return_is_data(value: Any) -> None:
    assert same(value, there_and_back(value))
