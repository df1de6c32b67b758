"""The host's side of a zygote and of its guests, whatever tier started it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.core.ports import ExitReport, GuestLimits
from selftaught.sandboxes.layout import Layout, environment

_FORK = struct.Struct("<IQI")
_STARTED = struct.Struct("<cI")
_EXITED = struct.Struct("<cIid")
_START_TIMEOUT_S = 30.0
_REPLY_TIMEOUT_S = 20.0
_LEAVING_MS = 100  # between the end of its socket and its own
_PID = re.compile(rb"^Pid:\s+(\d+)", re.MULTILINE)
# One user a guest where we are root, so that limits on tasks and signals count for each alone.
# The range lies far above any that systems hand out.
_FIRST_UID = 1_900_000_000
_UIDS_PER_ZYGOTE = 256
_zygote_numbers = itertools.count()


class Guest:
    """A forked guest: its socket, a pidfd to end it, and its CPU clock."""

    def __init__(
        self, zygote: ZygoteProcess, guest_id: int, own_end: socket.socket, pidfd: int
    ) -> None:
        self.socket = own_end
        self._zygote = zygote
        self._id = guest_id
        self._pidfd = pidfd
        self._ending = threading.Lock()
        # The CPU clock of another process is named by its pid in our own namespace
        # (clock_getcpuclockid(3)); the pidfd makes sure that it is the right one.
        found = _PID.search(Path(f"/proc/self/fdinfo/{pidfd}").read_bytes())
        self._clock = (~int(found[1]) << 3) | 2 if found else None
        self._stat = f"/proc/{int(found[1])}/stat" if found else ""
        self._last_cpu_s = 0.0

    def cpu_s(self) -> float:
        if self._clock is not None:
            with contextlib.suppress(OSError):  # it has ended: what was read last stands
                self._last_cpu_s = max(self._last_cpu_s, time.clock_gettime(self._clock))
        return self._last_cpu_s

    def threads(self) -> int:
        try:
            return int(Path(self._stat).read_bytes().rpartition(b")")[2].split()[17])
        except OSError:
            return 0  # it has ended, or this machine does not show us our children

    def kill(self) -> None:
        with self._ending, contextlib.suppress(ProcessLookupError):
            if self._pidfd >= 0:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        if self._pidfd >= 0:
            self.kill()
            if self._zygote.sweeps:
                # What it left takes room of the next one's until it is swept away.
                with contextlib.suppress(InfrastructureError):  # the next fork says what is wrong
                    self._zygote.exit_report(self._id)
            else:
                self._zygote.forget(self._id)
            self._release()

    def report(self) -> ExitReport:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        by_us = not poll.poll(_LEAVING_MS)
        self.kill()
        report = self._zygote.exit_report(self._id)
        self._release()
        return replace(report, by_us=by_us)

    def _release(self) -> None:
        self.socket.close()
        with self._ending:  # `kill` may come from another thread, and descriptors are used again
            if self._pidfd >= 0:
                os.close(self._pidfd)
                self._pidfd = -1


@dataclass(frozen=True, slots=True)
class _Order:
    """A guest that was asked for."""

    guest_id: int
    limits: GuestLimits
    own_end: socket.socket


class ZygoteProcess:
    """A zygote as a child process of ours, and the orders that it takes."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        control: socket.socket,
        errors: IO[bytes],
        tasks: Callable[[GuestLimits], int],
        ahead: bool,
        sweeps: bool,
    ) -> None:
        self._process = process
        self._pidfd = os.pidfd_open(process.pid)
        self._control = control
        self._errors = errors
        self._tasks = tasks
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._ended: dict[int, ExitReport] = {}
        self._forgotten: set[int] = set()
        self._started: dict[int, int] = {}
        self._ahead = ahead
        self._spare: _Order | None = None
        self.sweeps = sweeps
        self.landlock_abi = 0

    def ready(self) -> None:
        self._wait_readable(_START_TIMEOUT_S)
        greeting = self._control.recv(4096)
        if not greeting:
            raise self._gone()
        found = json.loads(greeting)
        if "import_error" in found:
            raise ConfigError(
                f"sandbox.modules cannot be had: {found['import_error']}; what a module needs of "
                "other packages must be named too"
            )
        self.landlock_abi = int(found["landlock_abi"])

    def describe(self) -> str:
        landlock = f"Landlock ABI {self.landlock_abi}" if self.landlock_abi else "no Landlock"
        return f"seccomp, {landlock}"

    def fork(self, limits: GuestLimits) -> Guest:
        with self._lock:
            order = self._spare
            if order is None or order.limits != limits:
                self._drop_spare()
                order = self._order(limits)
            self._spare = None
            try:
                while order.guest_id not in self._started:
                    self._read_event()
                if self._ahead:
                    self._spare = self._order(limits)
            except BaseException:
                order.own_end.close()
                raise
            return Guest(self, order.guest_id, order.own_end, self._started.pop(order.guest_id))

    def _order(self, limits: GuestLimits) -> _Order:
        """Ask for a guest; it starts meanwhile."""
        own_end, guest_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        order = _Order(next(self._ids), limits, own_end)
        message = _FORK.pack(order.guest_id, limits.memory_bytes, self._tasks(limits))
        try:
            with guest_end:
                socket.send_fds(self._control, [message], [guest_end.fileno()])
        except OSError:
            own_end.close()
            raise self._gone() from None
        return order

    def _drop_spare(self) -> None:
        """Its guest ends when its socket does."""
        if self._spare is not None:
            self._spare.own_end.close()
            self._forgotten.add(self._spare.guest_id)
            self._spare = None

    def exit_report(self, guest_id: int) -> ExitReport:
        """Wait until a killed guest is gone."""
        with self._lock:
            while guest_id not in self._ended:
                self._read_event()
            return self._ended.pop(guest_id)

    def forget(self, guest_id: int) -> None:
        """Nobody will ask how this guest ended."""
        with self._lock:
            if self._ended.pop(guest_id, None) is None:
                self._forgotten.add(guest_id)

    def close(self) -> None:
        self._drop_spare()
        for pidfd in self._started.values():
            os.close(pidfd)
        self._started.clear()
        self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._pidfd)
        self._errors.close()

    def _read_event(self) -> None:
        """Take one message: a guest has started, or ended."""
        self._wait_readable(_REPLY_TIMEOUT_S)
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, 64, 1)
        except ConnectionResetError:
            message, descriptors = b"", []
        if not message:
            raise self._gone()
        if message[:1] == b"S":
            guest_id = _STARTED.unpack(message)[1]
            if guest_id in self._forgotten:
                os.close(descriptors[0])
            else:
                self._started[guest_id] = descriptors[0]
            return
        _, guest_id, status, cpu_s = _EXITED.unpack(message)
        if guest_id in self._forgotten:
            self._forgotten.discard(guest_id)
        else:
            code = os.waitstatus_to_exitcode(status)
            self._ended[guest_id] = ExitReport(
                code if code >= 0 else None, -code if code < 0 else None, cpu_s
            )

    def _wait_readable(self, timeout_s: float) -> None:
        """Wait for a message of the zygote's, or for its end.

        Its end is watched apart from its socket, which bubblewrap's reaper holds open as well.
        """
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._pidfd, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(timeout_s * 1000)]
        if not ready:
            self._process.kill()
            raise InfrastructureError(f"the sandbox's zygote did not answer in {timeout_s:g} s")
        if self._control.fileno() not in ready:
            raise self._gone()

    def _gone(self) -> InfrastructureError:
        """The zygote has ended: say what it said last."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        said = lines[-1] if lines else f"exit status {self._process.returncode}"
        return InfrastructureError(f"the sandbox's zygote ended: {said}")


def spawn(
    layout: Layout,
    prefix: Callable[[], list[str]],
    tasks: Callable[[GuestLimits], int],
    modules: Sequence[str],
    ahead: bool,
) -> ZygoteProcess:
    """Start a zygote behind a command prefix (bubblewrap and its arguments, or nothing).

    Args:
        layout: what to start.
        prefix: the command line that the zygote's own is appended to.
        tasks: RLIMIT_NPROC of a guest.
        modules: what to preload besides the layout's.
        ahead: whether the next guest starts, and locks itself down, while the last one works.
    """
    before = prefix()  # raises where there is no bubblewrap, before anything is opened
    number = next(_zygote_numbers)
    block = (os.getpid() * 64 + number) % 1_000_000
    own_end, zygote_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the zygote
    first_uid = _FIRST_UID + block * _UIDS_PER_ZYGOTE
    command = [*before, *layout.command(zygote_end.fileno(), first_uid, modules)]
    try:
        process = subprocess.Popen(
            command,
            env=environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            pass_fds=(zygote_end.fileno(),),
            start_new_session=True,
        )
    except OSError as error:
        own_end.close()
        errors.close()
        raise InfrastructureError(f"cannot start {command[0]}: {error}") from None
    finally:
        zygote_end.close()
    return ZygoteProcess(process, own_end, errors, tasks, ahead, layout.tmpdir_bytes > 0)
