"""Frames from a stream: whole however they are cut, and refused as soon as they are too long."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftaught.executors.frames import Decoder, FrameBuffer, FrameTooLong
from selftaught_guest import wire

VALUES = [("ok", 1.5), None, "text" * 50, [1, 2, 3], {"k": b"bytes"}]


def next_value(buffer: FrameBuffer) -> tuple[object] | None:
    payload = buffer.next_payload()
    return None if payload is None else (Decoder().decode(payload),)


def values_of(buffer: FrameBuffer) -> list[object]:
    return [found[0] for found in iter(lambda: next_value(buffer), None)]


def test_a_frame_that_announces_2_GB_is_refused_before_its_body_comes() -> None:
    buffer = FrameBuffer(1 << 20)
    buffer.feed(wire.HEADER.pack(1 << 31))
    with pytest.raises(FrameTooLong, match="2147483648"):
        next_value(buffer)


def test_the_cap_counts_the_payload_and_not_the_header() -> None:
    frame = wire.pack("x" * 100)
    size = len(frame) - wire.HEADER.size
    exact = FrameBuffer(size)
    exact.feed(frame)
    assert next_value(exact) == ("x" * 100,)
    short = FrameBuffer(size - 1)
    short.feed(frame)
    with pytest.raises(FrameTooLong):
        next_value(short)


def test_a_frame_split_at_every_byte_arrives_whole() -> None:
    frame = wire.pack(("ok", {"array": [1.5] * 20, "text": "ü"}))
    for place in range(len(frame) + 1):
        buffer = FrameBuffer(1 << 10)
        buffer.feed(frame[:place])
        if place < len(frame):
            assert next_value(buffer) is None
        buffer.feed(frame[place:])
        assert next_value(buffer) == (("ok", {"array": [1.5] * 20, "text": "ü"}),)
        assert next_value(buffer) is None


def test_bytes_that_come_one_by_one_make_the_same_values() -> None:
    buffer = FrameBuffer(1 << 10)
    found: list[object] = []
    for byte in b"".join(map(wire.pack, VALUES)):
        buffer.feed(bytes([byte]))
        found += values_of(buffer)
    assert found == VALUES


@given(st.lists(st.integers(1, 200), max_size=20))
def test_values_do_not_depend_on_how_the_stream_is_cut(cuts: list[int]) -> None:
    stream = b"".join(map(wire.pack, VALUES))
    places = [0, *itertools.accumulate(cuts), len(stream)]
    buffer = FrameBuffer(1 << 10)
    found: list[object] = []
    for start, end in itertools.pairwise(min(place, len(stream)) for place in places):
        buffer.feed(stream[start:end])
        found += values_of(buffer)
    assert found == VALUES


def test_none_as_a_value_is_told_from_no_value() -> None:
    buffer = FrameBuffer(10)
    buffer.feed(wire.pack(None))
    assert next_value(buffer) == (None,)
    assert next_value(buffer) is None


def test_a_broken_payload_is_a_wire_error() -> None:
    buffer = FrameBuffer(10)
    buffer.feed(wire.HEADER.pack(1) + b"?")
    with pytest.raises(wire.WireError):
        next_value(buffer)


def test_arrays_are_copies_that_do_not_hold_the_stream() -> None:
    buffer = FrameBuffer(1 << 10)
    buffer.feed(wire.pack(np.arange(3)) + wire.pack(np.arange(3)))
    first, second = values_of(buffer)
    assert isinstance(first, np.ndarray)
    first[:] = 9
    assert np.array_equal(second, np.arange(3))


def test_what_decoding_takes_is_counted_also_of_frames_that_are_refused() -> None:
    decoder = Decoder()
    decoder.decode(memoryview(wire.pack([None] * 200_000)[wire.HEADER.size :]))
    taken_s = decoder.cpu_s
    assert taken_s > 0
    with pytest.raises(wire.WireError):
        decoder.decode(memoryview(wire.pack([None] * 200_000)[wire.HEADER.size : -1]))
    assert decoder.cpu_s > taken_s
