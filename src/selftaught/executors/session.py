"""A program in a guest, called from one blocking thread."""

from __future__ import annotations

import select
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.core.errors import InfrastructureError
from selftaught.core.messages import PRINTED_CHARS, check_locked, parse_answer
from selftaught.core.outcome import Failed
from selftaught.core.ports import ExitReport, GuestProcess, Job, Zygote
from selftaught.executors.frames import READ_BYTES, Decoder, FrameBuffer, FrameTooLong
from selftaught.executors.limits import GRACE, LimitWatch
from selftaught_guest import wire

LOAD_CPU_S = 2.0


def load_frame(job: Job) -> bytes:
    """The frame that makes a guest load a program. Raises WireError on text that is not data."""
    program = job.program
    return wire.pack(("load", program.source, program.entry, job.seed, job.limits.output_bytes))


def read_ending(report: ExitReport) -> Failed:
    """What to call the end of a guest that left without an answer.

    A guest cannot send a signal, so SIGKILL came from the kernel or from an operator.
    """
    if report.by_us:
        return Failed("crashed", "closed its socket, and gave no answer")
    if report.signal == signal.SIGKILL:
        return Failed("memory", "killed by the system, most likely because memory ran out")
    if report.signal is not None:
        detail = f"killed by signal {report.signal}"
    else:
        detail = f"exited with {report.exit_code} and no answer"
    return Failed("crashed", detail)


class _Doubtful:
    """A failure that may be the machine's: the call deserves a second try in a fresh guest."""

    def __init__(self, failure: Failed) -> None:
        self.failure = failure


class GuestSession:
    """Calls of one program; opens a guest when it needs one, and a fresh one after a failure.

    A call that went over its CPU limit by less than a tenth, or whose guest was killed by somebody
    else, is made once more in a fresh guest before it is called a failure.
    """

    def __init__(self, zygote: Zygote, job: Job) -> None:
        self._zygote = zygote
        self._job = job
        self._guest: GuestProcess | None = None
        self._buffer = FrameBuffer(job.limits.frame_bytes)
        self._decoder = Decoder()
        self._poll = select.poll()
        self._unsent = memoryview(b"")
        self._locked = False
        self._charged_s = 0.0
        self._earlier_cpu_s = 0.0
        self._aborted = False
        self.printed = ""

    @property
    def cpu_s(self) -> float:
        """CPU seconds of all guests of this session, and of reading what they sent."""
        return self._earlier_cpu_s + self._used_s()

    def call(
        self,
        args: Sequence[Any],
        *,
        cpu_s: float,
        seed: int,
        named: tuple[str, Mapping[str, Any]] | None = None,
        tries: int = 2,
    ) -> Any:
        """One call: a value, or `Failed`.

        Raises: WireError if the arguments are no data, which is the caller's mistake.
        """
        frame = wire.pack(("call", list(args), seed, *(named or ())))
        answer = self._try(frame, cpu_s, GRACE)
        if isinstance(answer, _Doubtful) and tries > 1:
            answer = self._try(frame, cpu_s, 1.0)
        return answer.failure if isinstance(answer, _Doubtful) else answer

    def load(self) -> Failed | None:
        """Load the program, if it is not loaded: how it fails, or None."""
        if self._guest is not None:
            return None
        failure = self._open(b"", GRACE)
        if isinstance(failure, _Doubtful):
            failure = self._open(b"", 1.0)
        return failure.failure if isinstance(failure, _Doubtful) else failure

    def close(self) -> None:
        if self._guest is not None:
            self._earlier_cpu_s += self._used_s()
            self._guest.close()
            self._guest = None

    def _used_s(self) -> float:
        """CPU seconds of the guest that there is."""
        return self._guest.cpu_s() + self._decoder.cpu_s if self._guest else 0.0

    def abort(self) -> None:
        """From any thread: end the guest and open no other; a call raises InfrastructureError."""
        self._aborted = True
        if (guest := self._guest) is not None:
            guest.kill()

    def _try(self, frame: bytes, cpu_s: float, grace: float) -> Any | Failed | _Doubtful:
        if self._guest is None:
            # Right behind the program, so that the guest need not wait for it once it has loaded.
            if (failure := self._open(frame, grace)) is not None:
                return failure
            frame = b""
        return self._exchange(frame, cpu_s, grace)

    def _open(self, first_call: bytes, grace: float) -> Failed | _Doubtful | None:
        self._check_aborted()
        try:
            frame = load_frame(self._job)
        except wire.WireError as error:
            return Failed("syntax", str(error))
        self._guest = self._zygote.fork(self._job.limits)
        self._locked = False
        self._charged_s = self._guest.cpu_s()
        self._buffer = FrameBuffer(self._job.limits.frame_bytes)
        self._decoder = Decoder()
        self._unsent = memoryview(b"")
        self._poll = select.poll()
        self._poll.register(self._guest.socket, select.POLLIN)
        answer = self._exchange(frame + first_call, LOAD_CPU_S, grace)
        return answer if isinstance(answer, (Failed, _Doubtful)) else None

    def _exchange(self, frame: bytes, cpu_s: float, grace: float) -> Any | Failed | _Doubtful:
        """Send a frame and wait for the answer; after a failure the guest is gone."""
        guest = self._guest
        assert guest is not None
        watch = LimitWatch(guest, self._used_s, cpu_s, self._job.limits, self._charged_s, grace)
        try:
            self._check_aborted()  # an abort that came while the guest was forked found none to end
            if frame:
                self._unsent = memoryview(bytes(self._unsent) + frame)
            answer = self._send_and_wait(guest, watch)
            if not isinstance(answer, (Failed, _Doubtful)) and watch.is_over_cpu():
                answer = watch.timeout()
                answer = _Doubtful(answer) if watch.is_within_grace() else answer
        except BaseException:
            self.close()
            raise
        if isinstance(answer, (Failed, _Doubtful)):
            self.close()
            self._check_aborted()
        else:
            self._charged_s = self._used_s()
        return answer

    def _check_aborted(self) -> None:
        if self._aborted:
            raise InfrastructureError("the evaluation was cancelled")

    def _send_and_wait(self, guest: GuestProcess, watch: LimitWatch) -> Any | Failed | _Doubtful:
        while True:
            try:
                payload = self._next_payload()
                if payload is not None:
                    answer = parse_answer(self._decoder.decode(payload))
                    self.printed = (self.printed + answer.printed)[:PRINTED_CHARS]
                    return answer.value
            except FrameTooLong as error:
                return Failed("output_limit", str(error))
            except wire.WireError as error:
                return Failed("bad_output", str(error))
            look_s = watch.next_look_s()
            if look_s <= 0:
                return watch.timeout()
            if self._wait(guest, look_s) & ~select.POLLOUT:
                part = _receive(guest)
                if part == b"":
                    return self._ended(guest)
                self._buffer.feed(part or b"")

    def _wait(self, guest: GuestProcess, wait_s: float) -> int:
        """Send what can be sent, and wait for what comes: poll's events, 0 when the time is up."""
        if self._unsent:
            self._unsent = self._send_some(guest, self._unsent)
            self._poll.modify(guest.socket, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        ready = self._poll.poll(wait_s * 1000)
        return ready[0][1] if ready else 0

    def _next_payload(self) -> memoryview | None:
        payload = self._buffer.next_payload()
        if payload is not None and not self._locked:
            check_locked(self._decoder.decode(payload))
            self._locked = True
            payload = self._buffer.next_payload()
        return payload

    def _send_some(self, guest: GuestProcess, frame: memoryview) -> memoryview:
        try:
            return frame[guest.socket.send(frame, _DONT_WAIT) :]
        except BlockingIOError:
            return frame
        except (BrokenPipeError, ConnectionResetError):
            return frame[len(frame) :]  # it has ended; reading will say so

    def _ended(self, guest: GuestProcess) -> Failed | _Doubtful:
        report = guest.report()
        guest.close()
        self._earlier_cpu_s += report.cpu_s + self._decoder.cpu_s
        self._guest = None
        ending = read_ending(report)
        was_killed = report.signal == signal.SIGKILL and not report.by_us
        return _Doubtful(ending) if was_killed else ending


def _receive(guest: GuestProcess) -> bytes | None:
    """What there is to read: b"" at the end, None if there is nothing after all."""
    try:
        return guest.socket.recv(READ_BYTES, _DONT_WAIT)
    except BlockingIOError:
        return None
    except ConnectionResetError:
        return b""


_DONT_WAIT = 0x40  # MSG_DONTWAIT
