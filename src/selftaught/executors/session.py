"""A program in a guest, called from one blocking thread."""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import Any

from selftaught.core.errors import InfrastructureError
from selftaught.core.outcome import FAILURE_KINDS, Failed
from selftaught.core.ports import ExitReport, GuestProcess, Job, Zygote
from selftaught.executors.frames import READ_BYTES, FrameBuffer, FrameTooLong
from selftaught.executors.limits import CpuWatch
from selftaught_guest import wire

LOAD_CPU_S = 2.0
_LONGEST_WAIT_S = 3600.0
_DETAIL_CHARS = 2000


def load_frame(job: Job) -> bytes:
    """The frame that makes a guest load a program. Raises WireError on text that is not data."""
    program = job.program
    return wire.pack(("load", program.source, program.entry, job.seed, job.limits.output_bytes))


def check_locked(first: Any) -> None:
    """A guest's first frame says how its lock-down went; what comes later could be forged.

    Raises: InfrastructureError if it is not locked down.
    """
    match first:
        case ("locked",):
            return
        case ("lockdown", str(detail)):
            raise InfrastructureError(f"a guest could not be locked down: {detail}")
    raise InfrastructureError("a guest did not say that it is locked down")


def read_answer(answer: Any) -> Any | Failed:
    """The value of a guest's last frame, or the failure that it reports of itself."""
    match answer:
        case ("ok", value):
            return value
        case ("ready",):
            return None
        case ("failed", str(kind), str(detail)) if kind in FAILURE_KINDS:
            return Failed(kind, detail[:_DETAIL_CHARS])
    return Failed("bad_output", "the guest sent a frame that is no answer")


def read_ending(report: ExitReport) -> Failed:
    """What to call the end of a guest that left without an answer."""
    if report.signal is not None:
        detail = f"killed by signal {report.signal}"
    else:
        detail = f"exited with {report.exit_code} and no answer"
    return Failed("crashed", detail)


class GuestSession:
    """Calls of one program; opens a guest when it needs one, and a fresh one after a failure."""

    def __init__(self, zygote: Zygote, job: Job) -> None:
        self._zygote = zygote
        self._job = job
        self._guest: GuestProcess | None = None
        self._buffer = FrameBuffer(job.limits.frame_bytes)
        self._poll = select.poll()
        self._unsent = memoryview(b"")
        self._locked = False
        self._earlier_cpu_s = 0.0
        self._aborted = False

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all guests of this session."""
        return self._earlier_cpu_s + (self._guest.cpu_s() if self._guest else 0.0)

    def call(self, args: Sequence[Any], *, cpu_s: float, seed: int) -> Any:
        """One call: a value, or `Failed`.

        Raises: WireError if the arguments are no data, which is the caller's mistake.
        """
        frame = wire.pack(("call", list(args), seed))
        if self._guest is None:
            # Right behind the program, so that the guest need not wait for it once it has loaded.
            if (failure := self._open(frame)) is not None:
                return failure
            frame = b""
        return self._exchange(frame, cpu_s)

    def load(self) -> Failed | None:
        """Load the program, if it is not loaded: how it fails, or None."""
        return self._open() if self._guest is None else None

    def close(self) -> None:
        if self._guest is not None:
            self._earlier_cpu_s += self._guest.cpu_s()
            self._guest.close()
            self._guest = None

    def abort(self) -> None:
        """From any thread: end the guest and open no other; a call raises InfrastructureError."""
        self._aborted = True
        if (guest := self._guest) is not None:
            guest.kill()

    def _open(self, first_call: bytes = b"") -> Failed | None:
        self._check_aborted()
        try:
            frame = load_frame(self._job)
        except wire.WireError as error:
            return Failed("syntax", str(error))
        self._guest = self._zygote.fork(self._job.limits)
        self._locked = False
        self._buffer = FrameBuffer(self._job.limits.frame_bytes)
        self._unsent = memoryview(b"")
        self._poll = select.poll()
        self._poll.register(self._guest.socket, select.POLLIN)
        answer = self._exchange(frame + first_call, LOAD_CPU_S)
        return answer if isinstance(answer, Failed) else None

    def _exchange(self, frame: bytes, cpu_s: float) -> Any | Failed:
        """Send a frame and wait for the answer; after a failure the guest is gone."""
        assert self._guest is not None
        watch = CpuWatch(self._guest.cpu_s, cpu_s)
        try:
            self._check_aborted()  # an abort that came while the guest was forked found none to end
            if frame:
                self._unsent = memoryview(bytes(self._unsent) + frame)
            answer = self._send_and_wait(self._guest, watch)
        except BaseException:
            self.close()
            raise
        if isinstance(answer, Failed):
            self.close()
            self._check_aborted()
        return answer

    def _check_aborted(self) -> None:
        if self._aborted:
            raise InfrastructureError("the evaluation was cancelled")

    def _send_and_wait(self, guest: GuestProcess, watch: CpuWatch) -> Any | Failed:
        while True:
            try:
                found = self._next_value()
            except FrameTooLong as error:
                return Failed("output_limit", str(error))
            except wire.WireError as error:
                return Failed("bad_output", str(error))
            if found is not None:
                return read_answer(found[0])
            look_s = watch.next_look_s()
            if look_s is None:
                return Failed("timeout", watch.says())
            if self._wait(guest, look_s) & ~select.POLLOUT:
                part = _receive(guest)
                if not part:
                    return self._ended(guest)
                self._buffer.feed(part)

    def _wait(self, guest: GuestProcess, wait_s: float) -> int:
        """Send what can be sent, and wait for what comes: poll's events, 0 when the time is up."""
        if self._unsent:
            self._unsent = self._send_some(guest, self._unsent)
            self._poll.modify(guest.socket, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        ready = self._poll.poll(min(wait_s, _LONGEST_WAIT_S) * 1000)
        return ready[0][1] if ready else 0

    def _next_value(self) -> tuple[Any] | None:
        found = self._buffer.next_value()
        if found is not None and not self._locked:
            check_locked(found[0])
            self._locked = True
            found = self._buffer.next_value()
        return found

    def _send_some(self, guest: GuestProcess, frame: memoryview) -> memoryview:
        try:
            return frame[guest.socket.send(frame, _DONT_WAIT) :]
        except BlockingIOError:
            return frame
        except (BrokenPipeError, ConnectionResetError):
            return frame[len(frame) :]  # it has ended; reading will say so

    def _ended(self, guest: GuestProcess) -> Failed:
        report = guest.report()
        self._earlier_cpu_s += report.cpu_s
        self._guest = None
        return read_ending(report)


def _receive(guest: GuestProcess) -> bytes:
    try:
        return guest.socket.recv(READ_BYTES)
    except ConnectionResetError:
        return b""


_DONT_WAIT = 0x40  # MSG_DONTWAIT
