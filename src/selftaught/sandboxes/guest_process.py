"""The host's side of one guest: ended, watched and asked from any thread."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import struct
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from selftaught.core.errors import InfrastructureError
from selftaught.core.ports import ExitReport

if TYPE_CHECKING:
    from selftaught.sandboxes.zygote_process import ZygoteProcess

REPLY_TIMEOUT_S = 20.0
_EXITED = struct.Struct("<id")
_LEAVING_MS = 100  # between the end of its socket and its own
_PID = re.compile(rb"^Pid:\s+(\d+)", re.MULTILINE)


class Guest:
    """A forked guest: its socket, a pidfd to end it, and its CPU clock.

    The zygote tells of its end on a channel that is this guest's alone, so nobody can take it from
    who waits for it, and whoever waits is in nobody's way. All methods but the socket's own may be
    called from any thread, in any order, again and again.
    """

    def __init__(
        self, zygote: ZygoteProcess, own_end: socket.socket, channel: socket.socket, pidfd: int
    ) -> None:
        self.socket = own_end
        self._zygote = zygote
        self._channel = channel
        self._pidfd = pidfd
        # The first is held while the pidfd is used, for microseconds; the second by the one who
        # waits for the end, and then gives back pidfd and channel.
        self._using = threading.Lock()
        self._ending = threading.Lock()
        self._end: ExitReport | None = None
        self._by_us = False
        # The CPU clock of another process is named by its pid in our own namespace
        # (clock_getcpuclockid(3)); the pidfd makes sure that it is the right one.
        found = _PID.search(Path(f"/proc/self/fdinfo/{pidfd}").read_bytes())
        self._clock = (~int(found[1]) << 3) | 2 if found else None
        self._stat = f"/proc/{int(found[1])}/stat" if found else ""
        self._last_cpu_s = 0.0

    def cpu_s(self) -> float:
        with self._using:
            if self._clock is not None and self._pidfd >= 0:
                with contextlib.suppress(OSError):  # it has ended: what was read last stands
                    now_s = time.clock_gettime(self._clock)
                    self._check_pid()
                    self._last_cpu_s = max(self._last_cpu_s, now_s)
            return self._last_cpu_s

    def threads(self) -> int:
        with self._using:
            if self._pidfd < 0:
                return 0
            try:
                status = Path(self._stat).read_bytes()
                self._check_pid()
            except OSError:
                return 0  # it has ended, or this machine does not show us our children
            return int(status.rpartition(b")")[2].split()[17])

    def _check_pid(self) -> None:
        """That its pid was not yet another's. Raises: OSError if it may have been."""
        signal.pidfd_send_signal(self._pidfd, 0)

    def kill(self) -> None:
        with self._using:
            if self._pidfd >= 0 and not self._is_gone(0):
                self._by_us = True
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        self.kill()
        self.socket.close()
        # If another thread waits for its end, that one gives back the rest.
        if self._ending.acquire(blocking=False):
            try:
                if self._zygote.sweeps and self._end is None:
                    # What it left takes room of the next one's until it is swept away.
                    with contextlib.suppress(InfrastructureError):  # the next fork says it
                        self._end = self._read_end()
                self._release()
            finally:
                self._ending.release()

    def report(self) -> ExitReport:
        with self._ending:
            if self._end is None:
                self._is_gone(_LEAVING_MS)
                self.kill()
                try:
                    self._end = self._read_end()
                finally:
                    self._release()
            return self._end

    def _is_gone(self, wait_ms: int) -> bool:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(wait_ms))

    def _read_end(self) -> ExitReport:
        """Wait until the zygote says how it ended.

        Raises: InfrastructureError, and ends the zygote only if that is what does not answer.
        """
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        if not poll.poll(REPLY_TIMEOUT_S * 1000):
            if self._is_gone(0):
                raise self._zygote.stuck()
            raise InfrastructureError(
                f"a guest was still there {REPLY_TIMEOUT_S:g} s after its end"
            )
        message = received(self._channel)[0]
        if not message:
            raise self._zygote.gone()
        status, cpu_s = _EXITED.unpack(message)
        code = os.waitstatus_to_exitcode(status)
        return ExitReport(
            code if code >= 0 else None, -code if code < 0 else None, cpu_s, self._by_us
        )

    def _release(self) -> None:
        """Give back what its end is read with; what is not known of it by now is not told."""
        with self._using:
            if self._end is None:
                self._end = ExitReport(None, signal.SIGKILL, self._last_cpu_s, by_us=True)
            self._last_cpu_s = max(self._last_cpu_s, self._end.cpu_s)
            self._channel.close()
            if self._pidfd >= 0:
                os.close(self._pidfd)
                self._pidfd = -1


def received(channel: socket.socket) -> tuple[bytes, list[int]]:
    """A message of the zygote's and its descriptors; nothing where the zygote is gone."""
    try:
        message, descriptors, _, _ = socket.recv_fds(channel, 64, 1)
    except ConnectionResetError:
        return b"", []
    return message, descriptors
