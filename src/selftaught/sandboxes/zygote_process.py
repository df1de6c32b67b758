"""The host's side of a zygote, whatever tier started it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO

from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.core.ports import GuestLimits
from selftaught.sandboxes.guest_process import REPLY_TIMEOUT_S, Guest, received
from selftaught.sandboxes.layout import ENVIRONMENT, Layout

_FORK = struct.Struct("<QI")
_START_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class _Order:
    """A guest that was asked for: our ends of its socket, and of what the zygote tells of it."""

    limits: GuestLimits
    own_end: socket.socket
    channel: socket.socket

    def drop(self) -> None:
        """Its guest ends when its socket does."""
        self.own_end.close()
        self.channel.close()


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
        self._ordering = threading.Lock()
        self._ahead = ahead
        self._spare: _Order | None = None
        self.sweeps = sweeps  # away what a guest leaves behind
        self.landlock_abi = 0

    def ready(self) -> None:
        self._wait_readable(self._control, _START_TIMEOUT_S)
        greeting = self._control.recv(4096)
        if not greeting:
            raise self.gone()
        found = json.loads(greeting)
        if "import_error" in found:
            raise ConfigError(f"sandbox.modules cannot be had: {found['import_error']}")
        self.landlock_abi = int(found["landlock_abi"])

    def describe(self) -> str:
        landlock = f"Landlock ABI {self.landlock_abi}" if self.landlock_abi else "no Landlock"
        return f"seccomp, {landlock}"

    def fork(self, limits: GuestLimits) -> Guest:
        order = self._take_order(limits)
        try:
            self._wait_readable(order.channel, REPLY_TIMEOUT_S)
            message, descriptors = received(order.channel)
            if not message:
                raise self.gone()
            return Guest(self, order.own_end, order.channel, descriptors[0])
        except BaseException:
            order.drop()
            raise

    def _take_order(self, limits: GuestLimits) -> _Order:
        """The guest that is ahead, or a new one; waits for neither."""
        with self._ordering:
            order, self._spare = self._spare, None
            if order is not None and order.limits != limits:
                order.drop()
                order = None
            order = order or self._order(limits)
            if self._ahead:
                try:
                    self._spare = self._order(limits)
                except BaseException:
                    order.drop()
                    raise
            return order

    def _order(self, limits: GuestLimits) -> _Order:
        """Ask for a guest; it starts meanwhile."""
        own_end, guest_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        channel, told_on = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        order = _Order(limits, own_end, channel)
        message = _FORK.pack(limits.memory_bytes, self._tasks(limits))
        try:
            with guest_end, told_on:
                ends = [guest_end.fileno(), told_on.fileno()]
                socket.send_fds(self._control, [message], ends)
        except OSError:
            order.drop()
            raise self.gone() from None
        return order

    def close(self) -> None:
        with self._ordering:
            if self._spare is not None:
                self._spare.drop()
                self._spare = None
            self._control.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._pidfd)
        self._errors.close()

    def _wait_readable(self, told_on: socket.socket, timeout_s: float) -> None:
        """Wait for a message of the zygote's, or for its end.

        Its end is watched apart from its socket, which bubblewrap's reaper holds open as well.
        """
        poll = select.poll()
        poll.register(told_on, select.POLLIN)
        poll.register(self._pidfd, select.POLLIN)
        ready = [descriptor for descriptor, _ in poll.poll(timeout_s * 1000)]
        if not ready:
            raise self.stuck(timeout_s)
        if told_on.fileno() not in ready:
            raise self.gone()

    def stuck(self, timeout_s: float = REPLY_TIMEOUT_S) -> InfrastructureError:
        """End the zygote, which does not answer."""
        self._process.kill()
        return InfrastructureError(f"the sandbox's zygote did not answer in {timeout_s:g} s")

    def gone(self) -> InfrastructureError:
        """The zygote has ended: say what it said last."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        if self._errors.closed:
            return InfrastructureError("the sandbox's zygote was closed")
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
    first_uid: int | None,
) -> ZygoteProcess:
    """Start a zygote behind a command prefix (bubblewrap and its arguments, or nothing).

    Args:
        prefix: the command line that the zygote's own is appended to.
        ahead: whether the next guest starts, and locks itself down, while the last one works.
    """
    before = prefix()  # raises where there is no bubblewrap, before anything is opened
    own_end, zygote_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the zygote
    command = [*before, *layout.command(zygote_end.fileno(), first_uid, modules)]
    try:
        process = subprocess.Popen(
            command,
            env=ENVIRONMENT,
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
