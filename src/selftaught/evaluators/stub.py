"""What stands for a candidate where an evaluator imports or starts it: calls into the sandbox.

Every call has a connection of its own to the evaluation's socket, so that threads, forks and
processes that the evaluator starts are all the same to it. What comes back is a candidate's data.
"""

from __future__ import annotations

import builtins
import re
import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from selftaught.core.blame import own_place
from selftaught_guest.channel import Channel
from selftaught_guest.exported import plain, revived

PACKAGES = str(Path(__file__).resolve().parents[2])
_RAISED = re.compile(r"(\w+): ?(.*)", re.DOTALL)
_KINDS = {"timeout": TimeoutError, "memory": MemoryError, "syntax": SyntaxError}


def text_of(functions: Iterable[str], address: str, token: str) -> str:
    """The stub, as a file for the evaluator. Raises: ValueError of a name that is none."""
    lines = [
        "# Stands for a program that runs in a sandbox: its functions are calls of it there.",
        "import sys as _sys",
        f"_sys.path.append({PACKAGES!r})",
        "try:",
        "    from selftaught.evaluators.stub import Connection as _Connection",
        "finally:",
        f"    _sys.path.remove({PACKAGES!r})",
        f"_connection = _Connection({address!r}, {token!r})",
        "__getattr__ = _connection.value",
    ]
    for name in functions:
        if not name.isidentifier():
            raise ValueError(name)
        lines += [f"def {name}(*a, **k):", f"    return _connection.call({name!r}, a, k)"]
    lines += ['if __name__ == "__main__":', "    _connection.main()", ""]
    return "\n".join(lines)


class Connection:
    """To the evaluation, for one stub."""

    def __init__(self, address: str, token: str) -> None:
        self._address = address
        self._token = token

    def call(self, name: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """A call of a function of the candidate. Raises what it raised, or what is near to it."""
        try:
            given = plain(list(args)), plain(keywords)
        except TypeError as error:
            self._note(f"calls {name} with what cannot be sent: {error}")
            raise
        return self._asked("call", name, *given)

    def value(self, name: str) -> Any:
        """Data of the candidate's module; for the stub's `__getattr__`."""
        if name.startswith("__"):
            raise AttributeError(f"module 'program' has no attribute {name!r}")
        try:
            return self._asked("value", name)
        except KeyError:
            raise AttributeError(f"module 'program' has no attribute {name!r}") from None

    def main(self) -> NoReturn:
        """The candidate as a script: print what it printed, and end as it ended."""
        code, printed = self._asked("main", sys.argv[1:])
        sys.stdout.write(printed)
        if code:
            sys.stderr.write(printed[-2000:])
        sys.exit(code)

    def _note(self, why: str) -> None:
        place = own_place(traceback.extract_stack())
        self._ask("note", why, *((str(place[0]), place[1]) if place else ("", 0)))

    def _asked(self, *request: Any) -> Any:
        answer = self._ask(*request)
        if answer[0] == "ok":
            return revived(answer[1])
        _, kind, detail = answer
        raise _error(kind, detail)

    def _ask(self, *request: Any) -> Any:
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(self._address)
                channel = Channel(connection.fileno())
                channel.send((self._token, *request))
                return channel.receive()
            except (OSError, EOFError):
                raise RuntimeError(
                    "the evaluation of this program has ended, and its sandbox with it"
                ) from None


def _error(kind: str, detail: str) -> Exception:
    """A failure as the exception that the candidate's own code would have raised here."""
    found = _RAISED.match(detail) if kind == "raised" else None
    type_: Callable[..., Any] = _KINDS.get(kind, RuntimeError)
    words = detail if found is None else found[2]
    named = getattr(builtins, found[1], None) if found else None
    if isinstance(named, type) and issubclass(named, Exception):
        type_ = named
    elif found:
        words = detail
    try:
        error: Exception = type_(words)
    except TypeError:
        error = RuntimeError(detail)
    error.failure = (kind, detail)  # type: ignore[attr-defined]
    return error
