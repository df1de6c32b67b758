"""A sandbox whose guests' bytes are watched for the sign that an attack was attempted."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from selftaught.core.ports import ExitReport, GuestLimits, GuestProcess, Sandbox, Zygote


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


class _WatchedGuest:
    def __init__(self, guest: GuestProcess, watch: Watch) -> None:
        self._guest = guest
        self.socket = _WatchedSocket(fileno=guest.socket.detach())
        self.socket.watch = watch

    def cpu_s(self) -> float:
        return self._guest.cpu_s()

    def threads(self) -> int:
        return self._guest.threads()

    def kill(self) -> None:
        self._guest.kill()

    def close(self) -> None:
        self.socket.close()
        self._guest.close()

    def report(self) -> ExitReport:
        return self._guest.report()


@dataclass(frozen=True, slots=True)
class _WatchedZygote:
    zygote: Zygote
    watch: Watch

    def ready(self) -> None:
        self.zygote.ready()

    def describe(self) -> str:
        return self.zygote.describe()

    def fork(self, limits: GuestLimits) -> GuestProcess:
        return _WatchedGuest(self.zygote.fork(limits), self.watch)

    def close(self) -> None:
        self.zygote.close()


@dataclass(frozen=True, slots=True)
class WatchedSandbox:
    """A sandbox of any tier, watched."""

    sandbox: Sandbox
    watch: Watch = field(default_factory=Watch)

    @property
    def tier(self) -> str:
        return self.sandbox.tier

    def start(self, *, guests: int = 1, modules: Sequence[str] = ()) -> Zygote:
        return _WatchedZygote(self.sandbox.start(guests=guests, modules=modules), self.watch)
