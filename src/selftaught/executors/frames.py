"""Reading a guest's frames as what they are: bytes from a hostile sender, with a cap."""

from __future__ import annotations

from typing import Any

from selftaught_guest import wire

READ_BYTES = 1 << 16


class FrameTooLong(Exception):
    """A guest announced a frame over its cap."""

    def __init__(self, announced: int, cap: int) -> None:
        super().__init__(f"an answer of {announced} bytes; at most {cap}")


class FrameBuffer:
    """Bytes in, values out. Never holds more than one frame's cap and one read."""

    def __init__(self, cap_bytes: int) -> None:
        self._cap = cap_bytes
        self._bytes = bytearray()
        self.last_frame_bytes = 0

    def feed(self, part: bytes) -> None:
        self._bytes += part

    def next_value(self) -> tuple[Any] | None:
        """The next whole value (as a 1-tuple), or None if more bytes are needed.

        Raises: FrameTooLong; WireError.
        """
        header = wire.HEADER.size
        if len(self._bytes) < header:
            return None
        size = int(wire.HEADER.unpack_from(self._bytes)[0])
        if size > self._cap:
            raise FrameTooLong(size, self._cap)
        if len(self._bytes) < header + size:
            return None
        payload = bytes(self._bytes[header : header + size])
        del self._bytes[: header + size]
        self.last_frame_bytes = size
        return (wire.unpack(payload),)
