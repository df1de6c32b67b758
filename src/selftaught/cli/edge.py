"""The edge: what a command raises becomes one line on stderr and an exit code."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

import click

from selftaught.core.text import one_line

DONE = 0
FAILED = 1
WRONG_INPUT = 2
NOTHING_MEASURED = 3
NO_SANDBOX = 4

_TRACEBACK = "SELFTAUGHT_TRACEBACK"


class Terminated(KeyboardInterrupt):
    """A signal that asks to end, taken like Ctrl-C. `signum` says which."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


class Stopped(Exception):
    """A command was stopped and has put everything away; the message says what was kept."""

    def __init__(
        self, message: str, cause: BaseException | None, run_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.run_id = run_id
        self.signum = cause.signum if isinstance(cause, Terminated) else int(signal.SIGINT)


def show_tracebacks() -> None:
    """From now on unexpected errors are told whole."""
    os.environ[_TRACEBACK] = "1"


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run the command, say what went wrong, and return the exit code."""
    _print_anything()
    _stop_on(signal.SIGTERM, signal.SIGHUP)
    try:
        listed = None if arguments is None else list(arguments)
        code = command.main(listed, prog_name="selftaught", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else DONE
    except BrokenPipeError:
        return _reader_left()
    except KeyboardInterrupt as error:
        return _explain(Stopped("stopped", error))
    except click.Abort as error:  # made by click of Ctrl-C
        return _explain(Stopped("stopped", error.__cause__))
    except Exception as error:  # noqa: BLE001 - the edge
        return _explain(error)


def _explain(error: Exception) -> int:
    """Say it on stderr; the exit code."""
    from selftaught.core.errors import BudgetExceeded, ConfigError, SandboxUnavailable

    match error:
        case Stopped():
            return _tell(str(error), 128 + error.signum)
        case click.ClickException():
            return _tell(f"error: {_usage_message(error)}", WRONG_INPUT)
        case ConfigError():
            return _tell(f"error: {one_line(str(error))}", WRONG_INPUT)
        case SandboxUnavailable():
            return _tell(f"error: {error}", NO_SANDBOX)
        case BudgetExceeded():
            return _tell(f"error: {one_line(str(error))}", NOTHING_MEASURED)
        case _:
            return _explain_late(error)


def _explain_late(error: Exception) -> int:
    """What needs heavy imports to be told apart, and what nobody expected."""
    from selftaught.core.errors import SelfTaughtError
    from selftaught.studies.study import NothingMeasured

    if isinstance(error, NothingMeasured):
        return _tell(f"error: {one_line(str(error))}", NOTHING_MEASURED)
    if isinstance(error, SelfTaughtError) and not os.environ.get(_TRACEBACK):
        return _tell(f"error: {one_line(str(error))}", FAILED)
    said = one_line(f"{type(error).__name__}: {error}")
    if os.environ.get(_TRACEBACK):
        traceback.print_exception(error)
    else:
        said += f" ({_TRACEBACK}=1 shows where)"
    return _tell(f"error: {said}", FAILED)


def _usage_message(error: click.ClickException) -> str:
    message = one_line(error.format_message()).rstrip(".")
    for theirs, ours in (("integer", "whole number"), ("float", "number")):  # click's own words
        message = re.sub(f"is not a valid {theirs}( range)?$", f"is not a {ours}", message)
    context = getattr(error, "ctx", None)
    see = "" if context is None else f" (see {context.command_path} --help)"
    return f"{message[:1].lower()}{message[1:]}{see}"


def _tell(message: str, code: int) -> int:
    from selftaught.pages.text import printable

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
            signal.signal(signum, _terminate)


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise Terminated(signum)
