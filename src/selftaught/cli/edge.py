"""The edge: what a command raises becomes one line on stderr and an exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

import click

DONE = 0
FAILED = 1
WRONG_INPUT = 2
NOTHING_MEASURED = 3
NO_SANDBOX = 4

_TRACEBACK = "SELFTAUGHT_TRACEBACK"


class Stopped(KeyboardInterrupt):
    """Ctrl-C or a signal that asks to end.

    Attributes:
        signum: the signal.
        told: what was kept, for people.
    """

    def __init__(self, signum: int, told: str = "stopped") -> None:
        super().__init__(told)
        self.signum = signum
        self.told = told


def signum_of(error: KeyboardInterrupt) -> int:
    """The signal that raised this."""
    return error.signum if isinstance(error, Stopped) else int(signal.SIGINT)


def show_tracebacks() -> None:
    """From now on unexpected errors are told whole."""
    os.environ[_TRACEBACK] = "1"


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run the command, say what went wrong, and return the exit code."""
    _print_anything()
    _stop_on(signal.SIGTERM, signal.SIGHUP)
    try:
        code = _invoke(command, arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _reader_left()
    except KeyboardInterrupt as error:
        _tell(error.told if isinstance(error, Stopped) else "stopped")
        return 128 + signum_of(error)
    except Exception as error:  # noqa: BLE001 - the edge
        return _explain(error)


def _invoke(command: click.Command, arguments: Sequence[str] | None) -> int:
    try:
        code = command.main(
            None if arguments is None else list(arguments),
            prog_name="selftaught",
            standalone_mode=False,
        )
    except click.Abort as error:
        # click makes this of every KeyboardInterrupt.
        raise (error.__context__ if _interrupted(error) else KeyboardInterrupt()) from None
    return code if isinstance(code, int) else DONE


def _interrupted(error: click.Abort) -> bool:
    return isinstance(error.__context__, KeyboardInterrupt)


def _explain(error: Exception) -> int:
    from selftaught.core.errors import BudgetExceeded, ConfigError, SandboxUnavailable
    from selftaught.core.errors import InfrastructureError as Infrastructure

    if isinstance(error, click.ClickException):
        return _tell(_usage_message(error), WRONG_INPUT)
    if isinstance(error, ConfigError):
        return _tell(f"error: {_one_line(str(error))}", WRONG_INPUT)
    if isinstance(error, SandboxUnavailable):
        return _tell(f"error: {error}", NO_SANDBOX)
    if isinstance(error, BudgetExceeded) or type(error).__name__ == "NothingMeasured":
        return _tell(f"error: {_one_line(str(error))}", NOTHING_MEASURED)
    if os.environ.get(_TRACEBACK):
        traceback.print_exception(error)
    elif not isinstance(error, Infrastructure):
        hint = f"{_TRACEBACK}=1 shows where"
        return _tell(f"error: {_one_line(f'{type(error).__name__}: {error}')} ({hint})", FAILED)
    return _tell(f"error: {_one_line(f'{type(error).__name__}: {error}')}", FAILED)


def _usage_message(error: click.ClickException) -> str:
    message = _one_line(error.format_message()).rstrip(".")
    context = getattr(error, "ctx", None)
    see = "" if context is None else f" (see {context.command_path} --help)"
    return f"error: {message[:1].lower()}{message[1:]}{see}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _tell(message: str, code: int = DONE) -> int:
    from selftaught.cli.terminal import printable

    with contextlib.suppress(OSError):
        print(f"selftaught: {printable(message)}", file=sys.stderr, flush=True)
    return code


def _reader_left() -> int:
    """Nobody reads stdout any more; what is left in its buffer must not be tried at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return FAILED


def _print_anything() -> None:
    """Programs of guests hold whatever they like; no text of theirs may fail to be printed."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _stop_on(*signums: signal.Signals) -> None:
    for signum in signums:
        if signal.getsignal(signum) is signal.SIG_DFL:
            signal.signal(signum, _raise_stopped)


def _raise_stopped(signum: int, frame: FrameType | None) -> None:
    raise Stopped(signum)
