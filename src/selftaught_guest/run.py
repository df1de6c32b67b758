"""The life of a guest: load a program, answer calls with frames, until the host ends it.

The first frame is ("locked",), sent before there is any program to forge it.

Frames from the host:
    ("load", source, entry, seed, output_bytes)  answered by ("ready",) or ("failed", ...)
    ("call", [args], seed[, name, {keywords}])   answered by ("ok", value) or ("failed", ...),
                                                 and what was printed, if anything was; without
                                                 a name it is the entry that is called
    ("improve", [what is loaded, as above], initial_solution, facts)
                                                 answered likewise, after requests (services)
A failure is ("failed", kind, detail). The host believes none of it: it only ever reads data.
"""

from __future__ import annotations

import io
import linecache
import os
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any, NoReturn

from selftaught_guest import exported, helpers, loading, randomness, services, wire
from selftaught_guest.channel import Channel

_DETAIL_CHARS = 2000
_PRINTED_CHARS = 2000


class OutputLimitReached(BaseException):
    """The program printed more than it may. Not an Exception, so that it is not caught by habit."""


class _Sink(io.TextIOBase):
    """Where prints go: counted, and dropped but for the first of them."""

    def __init__(self, limit_chars: int) -> None:
        self._left = limit_chars
        self._room = _PRINTED_CHARS
        self._kept: list[str] = []

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._left -= len(text)
        if self._left < 0:
            raise OutputLimitReached("the program printed more than it may")
        if self._room > 0:
            self._kept.append(text[: self._room])
            self._room -= len(text)
        return len(text)

    def take(self) -> tuple[str, ...]:
        """What was kept since it was last taken, if there is any."""
        kept, self._kept = "".join(self._kept), []
        return (kept.encode("utf-8", "replace").decode(),) if kept else ()


class _Failure(Exception):
    """A failure on its way to the host."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail[:_DETAIL_CHARS]


def serve(descriptor: int) -> NoReturn:
    """Answer the host's frames until it closes, then end this process."""
    channel = Channel(descriptor)
    entry: Callable[..., Any] | None = None
    printed = _Sink(0)
    try:
        channel.send(("locked",))
        while True:
            message = channel.receive()
            try:
                if message[0] == "load":
                    _, source, name, seed, output_bytes = message
                    printed = _Sink(output_bytes)
                    entry = _load(source, name, seed, printed)
                    answer: tuple[Any, ...] = ("ready",)
                elif message[0] == "call" and entry is not None:
                    _, args, seed, *named = message
                    randomness.reseed(seed)
                    called, keywords = _named(*named) if named else (entry, {})
                    answer = ("ok", _guarded(called, *args, **keywords), *printed.take())
                elif message[0] == "improve":
                    requests, *given = services.connect(channel, message[3])  # before any clock
                    _, _, solution, told = message
                    helpers.improving(
                        solution,
                        told.get("entry"),
                        told.get("history"),
                        shows_parts=told.get("shows_parts", False),
                    )
                    source, name, seed, output_bytes = message[1]
                    entry = _load(source, name, seed, _Sink(output_bytes))
                    answer = ("ok", _guarded(_improved, entry, solution, given, requests))
                else:
                    answer = ("failed", "crashed", "the host sent a frame out of turn")
                _answer(channel, answer)
            except _Failure as failure:
                channel.send(("failed", failure.kind, failure.detail, *printed.take()))
    except (EOFError, OSError):
        pass
    finally:
        os._exit(0)


def _answer(channel: Channel, answer: tuple[Any, ...]) -> None:
    try:
        channel.send(answer)
    except wire.WireError as error:
        raise _Failure("bad_output", str(error)) from None
    except MemoryError:
        raise _Failure("memory", "out of memory while returning the result") from None
    except Exception as error:  # noqa: BLE001 - a result may be an object with hostile methods
        raise _Failure("bad_output", f"{type(error).__name__} while returning it") from None


def _load(source: str, entry: str, seed: int, printed: _Sink) -> Callable[..., Any]:
    randomness.reseed(seed)
    sys.stdout = sys.stderr = printed
    if not source.strip():
        raise _Failure("no_code", "the program is empty")
    try:
        run = loading.compiled(source, entry)
    except SyntaxError as error:
        where = f" ({_file(error.filename)}line {error.lineno})" if error.lineno else ""
        raise _Failure("syntax", f"{type(error).__name__}: {error.msg}{where}") from None
    except (ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise _Failure("syntax", f"{type(error).__name__}: {error}") from None
    module = _guarded(run)
    found: Callable[..., Any] | None = module.__dict__.get(entry)
    if not callable(found):
        raise _Failure("no_code", f"the program defines no function {entry!r}")
    return found


def _named(name: str, keywords: dict[str, Any]) -> tuple[Callable[..., Any], dict[str, Any]]:
    called = exported.operation(sys.modules["program"], name)
    if name == "@main":
        called = _run_as_script
    if called is None:
        raise _Failure("no_code", f"the program defines no function {name!r}")
    return called, keywords


def _run_as_script(arguments: list[str]) -> tuple[int, str]:
    """Run the program again, as `__main__`: its exit code and all that it printed."""
    _, _, lines, _ = linecache.cache[loading.PROGRAM_FILE]  # type: ignore[misc]
    module = types.ModuleType("__main__")
    sink, sys.stdout, sys.argv = sys.stdout, io.StringIO(), [loading.PROGRAM_FILE, *arguments]
    sys.modules["__main__"], before = module, sys.modules["__main__"]
    code = 0
    try:
        exec(compile("".join(lines), loading.PROGRAM_FILE, "exec"), module.__dict__)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except BaseException as error:  # noqa: BLE001 - as an interpreter would
        code = 1
        sys.stdout.write(f"Traceback: {_describe(error)}\n")
    finally:
        printed, sys.stdout, sys.modules["__main__"] = sys.stdout, sink, before
    return code, printed.getvalue() if isinstance(printed, io.StringIO) else ""


def _improved(
    improve: Callable[..., Any], solution: str, given: list[Any], requests: services.Requests
) -> Any:
    """What was started and never asked for is waited for, so that its end is no matter of luck."""
    try:
        return improve(solution, *given)
    finally:
        requests.take_in()


def _guarded(function: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    try:
        return function(*args, **keywords)
    except MemoryError:
        raise _Failure("memory", "out of memory") from None
    except OutputLimitReached as error:
        raise _Failure("output_limit", str(error)) from None
    except services.BudgetExhausted as error:
        raise _Failure("budget", _describe(error)) from None
    except BaseException as error:  # noqa: BLE001 - SystemExit and the like are its failures too
        raise _Failure("raised", _describe(error)) from None


def _describe(error: BaseException) -> str:
    """The error and where in the program it came from; no frames of ours."""
    try:
        summary = traceback.format_exception_only(type(error), error)[-1].strip()
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename in loading.own_files
        ]
        if isinstance(error, PermissionError):
            summary += _whose(error)
    except BaseException:  # noqa: BLE001 - the error's own __str__ is the program's code
        return type(error).__name__
    trail = "".join(
        f"\n  {_file(frame.filename)}line {frame.lineno}, in {frame.name}: {frame.line or ''}"
        for frame in frames[-6:]
    )
    return (summary[: _DETAIL_CHARS // 2] + trail).encode("utf-8", "replace").decode()


def _whose(error: BaseException) -> str:
    """Of which package what raised it is, if it is not the program itself."""
    last = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-1]
    name = str(last.f_globals.get("__name__", "")).partition(".")[0]
    return "" if last.f_code.co_filename in loading.own_files else f" (in {name})"


def _file(name: str | None) -> str:
    """Before a line's number, where a program has several files."""
    return "" if name in (None, loading.PROGRAM_FILE) else f"{name} "
