"""The guest's end of its socket: frames over one descriptor, with plain reads and writes."""

from __future__ import annotations

import os
import threading
from typing import Any

from selftaught_guest import wire


class Channel:
    """Frames to and from the host. Writing is safe from several threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._writing = threading.Lock()
        self._read_so_far = bytearray()

    def send(self, value: Any) -> int:
        """The frame's bytes. Raises: WireError before any is written, if the value is not data."""
        packed = wire.pack(value)
        frame = memoryview(packed)
        with self._writing:
            while frame:
                frame = frame[os.write(self._descriptor, frame) :]
        return len(packed)

    def receive(self) -> Any:
        """The next value; EOFError when the host has closed."""
        header = self._take(wire.HEADER.size)
        return wire.unpack(self._take(wire.HEADER.unpack(header)[0]), most_cost=None)

    @property
    def has_more(self) -> bool:
        """Whether something was read already that no `receive` has returned."""
        return bool(self._read_so_far)

    def _take(self, size: int) -> bytes:
        buffer = self._read_so_far
        while len(buffer) < size:
            part = os.read(self._descriptor, max(1 << 16, size - len(buffer)))
            if not part:
                raise EOFError
            buffer += part
        taken = bytes(buffer[:size])
        del buffer[:size]
        return taken
