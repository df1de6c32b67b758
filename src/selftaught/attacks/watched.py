"""A sandbox whose guests' bytes are watched for the sign that an attack was attempted."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from selftaught.core.ports import GuestLimits, GuestProcess, Sandbox, Zygote


@dataclass(slots=True)
class Watch:
    """What was seen since the last `begin`, of all guests.

    Attributes:
        token: the sign; it is taken out of the stream.
    """

    token: bytes = b""
    attempted: bool = False
    read_bytes: int = 0

    def begin(self, token: bytes) -> None:
        self.token = token
        self.attempted = False
        self.read_bytes = 0


class _WatchedSocket(socket.socket):
    """The host's end of a guest's socket."""

    watch: Watch

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        part = super().recv(size, flags)
        watch = self.watch
        watch.read_bytes += len(part)
        if watch.token and watch.token in part:
            watch.attempted = True
            part = part.replace(watch.token, b"")
            if not part:
                raise BlockingIOError
        return part


class _Before:
    """Stands before something, and does some of what that does itself."""

    def __init__(self, behind: object, **own: Any) -> None:
        self._behind = behind
        vars(self).update(own)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)


@dataclass(frozen=True, slots=True)
class WatchedSandbox:
    """A sandbox of any tier, watched."""

    sandbox: Sandbox
    watch: Watch = field(default_factory=Watch)

    @property
    def tier(self) -> str:
        return self.sandbox.tier

    def start(self, *, guests: int = 1, modules: Sequence[str] = ()) -> Zygote:
        zygote = self.sandbox.start(guests=guests, modules=modules)

        def fork(limits: GuestLimits) -> GuestProcess:
            return self._watched(zygote.fork(limits))

        return cast(Zygote, _Before(zygote, fork=fork))

    def _watched(self, guest: GuestProcess) -> GuestProcess:
        ours = _WatchedSocket(fileno=guest.socket.detach())
        ours.watch = self.watch

        def close() -> None:
            ours.close()
            guest.close()

        return cast(GuestProcess, _Before(guest, socket=ours, close=close))
