"""One evaluation by an evaluator in its process: what it asks of the candidate, and its score."""

from __future__ import annotations

import hmac
import math
import os
import re
import secrets
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selftaught.core.blame import Elsewhere
from selftaught.core.errors import ConfigError
from selftaught.core.outcome import Failed
from selftaught.core.own_files import is_own
from selftaught.core.utility import Measure, ProgramFailed, SandboxedProgram
from selftaught.evaluators.process import PRINTED, WHERE, score
from selftaught.evaluators.stub import text_of
from selftaught_guest.channel import Channel
from selftaught_guest.exported import listed

if TYPE_CHECKING:
    from selftaught.evaluators.openevolve import OpenEvolve

_PATH_BYTES = 100  # of a unix socket; some systems have no more
_REQUEST_S = 10
_LOAD_S = 120.0  # an evaluator, with all that it imports
_TELL_S = 1.0
_FEEDBACK_CHARS, _ARTIFACT_CHARS = 12_000, 3_000
_PRINTED_BYTES = 4_000
_PROCESS = "selftaught.evaluators.process"
_LINE = re.compile(r'File "(.+)", line (\d+) in')

_processes = threading.local()  # of each thread that evaluates, since it is killed with it


def evaluated(how: OpenEvolve, program: SandboxedProgram | str, seed: int) -> tuple[Measure, bool]:
    """Score and feedback; and whether the evaluator drew from generators that are seeded so.

    Raises: ProgramFailed if the candidate does not load, or all calls of it fail; Elsewhere.
    """
    functions = [] if isinstance(program, str) else program.call("@names")
    with tempfile.TemporaryDirectory(prefix="selftaught-", ignore_cleanup_errors=True) as name:
        folder, token = Path(name), secrets.token_hex(16)
        address = folder / "s"
        if len(os.fsencode(address)) > _PATH_BYTES:
            raise ConfigError(f"the folder for temporary files, {folder}, has too long a name")
        # No module of two evaluations has the same name: Python keeps what it has imported.
        path = folder / f"candidate_{secrets.token_hex(6)}{how.suffix}"
        if isinstance(program, str):
            text = program
        else:
            names = [one for one, is_called in listed(functions) if is_called]
            text = text_of(names, str(address), token)
        path.write_text(text, encoding="utf-8")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(address))
            listener.listen(64)
            evaluation = _Evaluation(how, program, folder, token, listener)
            return evaluation.measured(str(path), seed)


class _Evaluation:
    """One under way."""

    def __init__(
        self,
        how: OpenEvolve,
        program: SandboxedProgram | str,
        folder: Path,
        token: str,
        listener: socket.socket,
    ) -> None:
        self._how = how
        self._program = program
        self._folder = folder
        self._token = token
        self._listener = listener
        self._begun_s = time.monotonic()
        self._calls_s = 0.0
        self._calls = 0
        self._failures: list[Failed] = []
        self._noted: Elsewhere | None = None

    def measured(self, path: str, seed: int) -> tuple[Measure, bool]:
        process = EvaluatorProcess.of_this_thread(self._how.evaluator)
        try:
            answer = self._answer(process, path, seed)
        except BaseException:
            process.close()
            raise
        if self._noted is not None:
            raise self._noted
        if answer[0] == "failed" or (self._calls and len(self._failures) == self._calls):
            raise ProgramFailed(self._failures[-1] if self._failures else Failed(*answer[1:]))
        if answer[0] == "error":
            _, kind, words, file, line = answer
            self._show_printed()
            raise Elsewhere(f"raised {words}", kind, (Path(file), line))
        _, metrics, artifacts, drew = answer
        return self._measure(metrics, artifacts), drew

    def _measure(self, metrics: Mapping[str, Any], artifacts: Mapping[str, str]) -> Measure:
        value = score(metrics)
        numbers = {n: v for n, v in metrics.items() if isinstance(v, float)}
        if not numbers:
            raise Elsewhere("returned no number among its metrics", "form", self._how.place)
        said = {n: v for n, v in metrics.items() if isinstance(v, str)} | {**artifacts}
        lines = [f"{name}: {text[:_ARTIFACT_CHARS]}" for name, text in said.items()]
        if self._failures:
            last = self._failures[-1]
            of = f"{len(self._failures)} of {self._calls} calls failed"
            lines.append(f"{of}, the last: {last.kind}: {last.detail}")
        return Measure(
            value,
            metrics={name: number for name, number in numbers.items() if math.isfinite(number)},
            feedback="\n".join(lines)[:_FEEDBACK_CHARS],
        )

    # --- while it runs ----------------------------------------------------------------------------

    def _answer(self, process: EvaluatorProcess, path: str, seed: int) -> tuple[Any, ...]:
        """Serve what it asks until it has come to something."""
        channel = process.ready(max(_LOAD_S, self._how.timeout_s))
        self._begun_s = time.monotonic()
        channel.send((path, seed, self._how.thresholds))
        answer: tuple[Any, ...] | None = None
        pid = 0
        while True:
            own_s = time.monotonic() - self._begun_s - self._calls_s
            left_s = self._how.timeout_s - own_s
            both = [self._listener, process.socket]
            ready = [] if channel.has_more else select.select(both, [], [], max(0.0, left_s))[0]
            if self._listener in ready:
                self._serve()
                continue
            if not (ready or channel.has_more):
                raise self._hangs(pid)
            try:
                said = channel.receive()
            except EOFError:
                raise Elsewhere("ended its process", "ended", None) from None
            if said[0] == "begun":
                pid = said[1]
            elif said[0] == "ended":
                _kill_all(pid)
                if answer is None:
                    self._show_printed()
                    how = os.waitstatus_to_exitcode(said[1])
                    raise Elsewhere(f"ended its process ({how})", "ended", None)
                return answer
            else:
                answer = said

    def _hangs(self, pid: int) -> Elsewhere:
        """Ask where it is, which it tells even from C; and end it."""
        place = None
        if pid:
            os.kill(pid, signal.SIGUSR1)
            until_s = time.monotonic() + _TELL_S
            while place is None and time.monotonic() < until_s:
                time.sleep(0.02)
                text = (self._folder / WHERE).read_text(errors="replace")
                lines = [(Path(file), int(line)) for file, line in _LINE.findall(text)]
                own = [one for one in lines if one[0] == self._how.evaluator or is_own(one[0])]
                place = next(iter(own or lines), None)
            _kill_all(pid)
        self._show_printed()
        why = f"has not returned for {self._how.timeout_s:g} s, calls of the program aside"
        return Elsewhere(why, "hangs", place, hangs=True)

    def _show_printed(self) -> None:
        """What the evaluator printed, to whoever mends it."""
        with open(self._folder / PRINTED, "ab+") as file:  # noqa: PTH123 - made if it is not there
            file.seek(max(0, file.tell() - _PRINTED_BYTES))
            sys.stderr.write(file.read().decode(errors="replace"))

    def _serve(self) -> None:
        """One request of a stub."""
        connection, _ = self._listener.accept()
        with connection:
            limit = struct.pack("ll", _REQUEST_S, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
            channel = Channel(connection.fileno())
            try:
                token, *request = channel.receive()
                if not hmac.compare_digest(str(token), self._token):
                    return
                channel.send(self._reply(*request))
            except (EOFError, OSError):
                return  # whoever asked has gone

    def _reply(self, op: str, *request: Any) -> tuple[Any, ...]:
        if op == "note":
            why, file, line = request
            self._noted = Elsewhere(why, "data", (Path(file), line) if file else None)
            return ("ok", None)
        asked_s = time.monotonic()
        left_s = self._how.timeout_s - (asked_s - self._begun_s)
        self._calls += op != "value"
        try:
            if left_s <= 0:
                limit = f"the evaluation has taken {self._how.timeout_s:g} s"
                raise ProgramFailed(Failed("timeout", limit))
            assert not isinstance(self._program, str)
            limits: Any = getattr(self._program, "limits", None)
            cpu_s = max(self._how.cpu_s, limits.cpu_s if limits else 0.0)
            return "ok", self._program.call(f"@{op}", *request, cpu_s=min(cpu_s, left_s))
        except ProgramFailed as failed:
            if op != "value":
                self._failures.append(failed.failure)
            return "failed", failed.failure.kind, failed.failure.detail
        finally:
            self._calls_s += time.monotonic() - asked_s


class EvaluatorProcess:
    """A process that has loaded an evaluator."""

    def __init__(self, file: Path) -> None:
        self.socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _PROCESS, str(file), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=2,
                start_new_session=True,
            )
        self._channel = Channel(self.socket.fileno())
        self._is_ready = False
        self.is_open = True

    @classmethod
    def of_this_thread(cls, file: Path) -> EvaluatorProcess:
        """One of this file as it stands now; it is kept for the next evaluation."""
        stamp = (file, file.stat().st_mtime_ns, file.stat().st_size)
        found: EvaluatorProcess | None = getattr(_processes, "one", None)
        if found is None or not found.is_open or _processes.stamp != stamp:
            if found is not None:
                found.close()
            _processes.one, _processes.stamp = cls(file), stamp
        one: EvaluatorProcess = _processes.one
        return one

    def ready(self, limit_s: float) -> Channel:
        """Wait until the evaluator is loaded. Raises: ConfigError with its error; Elsewhere."""
        if not self._is_ready:
            if not select.select([self.socket], [], [], limit_s)[0]:
                why = f"has not been loaded for {limit_s:g} s"
                raise Elsewhere(why, "hangs", None, hangs=True)
            try:
                said = self._channel.receive()
            except EOFError:
                raise ConfigError("the evaluator ended its process while it was loaded") from None
            if said[0] == "error":
                _, _, words, file, line = said
                raise ConfigError(f"the evaluator raised {words} ({file}:{line})")
            self._is_ready = True
        return self._channel

    def close(self) -> None:
        self.is_open = False
        self._process.terminate()
        try:
            self._process.wait(_TELL_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.socket.close()

    def __del__(self) -> None:
        if self.is_open:
            self.close()


def _kill_all(pid: int) -> None:
    """An evaluation and what it has started and left behind."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
