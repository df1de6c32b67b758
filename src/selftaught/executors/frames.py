"""Reading a guest's frames as what they are: bytes from a hostile sender, with a cap."""

from __future__ import annotations

import time
from typing import Any

from selftaught_guest import wire

READ_BYTES = 1 << 16


class FrameTooLong(Exception):
    """A guest announced a frame over its cap."""

    def __init__(self, announced: int, cap: int) -> None:
        super().__init__(f"an answer of {announced} bytes; at most {cap}")


class FrameBuffer:
    """Bytes in, payloads out. Never holds more than one frame's cap and one read."""

    def __init__(self, cap_bytes: int) -> None:
        self._cap = cap_bytes
        self._bytes = bytearray()

    def feed(self, part: bytes) -> None:
        self._bytes += part

    def next_payload(self) -> memoryview | None:
        """The next whole frame without its header, or None if more bytes are needed.

        Raises: FrameTooLong.
        """
        header = wire.HEADER.size
        if len(self._bytes) < header:
            return None
        size = int(wire.HEADER.unpack_from(self._bytes)[0])
        if size > self._cap:
            raise FrameTooLong(size, self._cap)
        end = header + size
        if len(self._bytes) < end:
            return None
        # Long frames are not copied: what came behind this one is short.
        frame, self._bytes = self._bytes, self._bytes[end:]
        return memoryview(frame)[header:end]


class Decoder:
    """Decodes the frames of one guest, which pays: `cpu_s` is what they took the host so far.

    `most_cost` is what a frame may cost (`wire.unpack`).
    """

    def __init__(self, most_cost: int = wire.MAX_COST) -> None:
        self.most_cost = most_cost
        self.cpu_s = 0.0

    def decode(self, payload: memoryview) -> Any:
        """The value of a payload. Raises: WireError."""
        start_s = time.thread_time()
        try:
            return wire.unpack(payload, most_cost=self.most_cost)
        finally:
            self.cpu_s += time.thread_time() - start_s
