"""A canary: what a program leaves behind, if it runs where nothing holds it.

It is a piece of code that writes a file and connects to a server of ours, and nothing else. In a
sandbox it can do neither. So whoever runs it outside leaves a trace, which is seen from outside:
nothing that a guest says of itself is believed.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FILE_TRACE = "a file was written"
NETWORK_TRACE = "a TCP server was reached"

_CODE = """
def _canary():
    try:
        with open({path!r}, "w") as file:
            file.write("left behind")
    except Exception:
        pass
    try:
        import socket

        with socket.socket() as client:
            client.settimeout(0.5)
            client.connect(("127.0.0.1", {port}))
    except Exception:
        pass


_canary()
"""


@dataclass(frozen=True, slots=True)
class Canary:
    """One canary, to be looked at while it is set."""

    code: str
    _file: Path
    _server: socket.socket

    def is_its_own(self, detail: str) -> bool:
        """Whether an attempt, as it is told, is what the canary itself tries."""
        address = self._server.getsockname()
        return detail in (f"open {self._file} w", f"socket.connect {address}", "import socket")

    def traces(self) -> list[str]:
        """What was left behind; empty if nothing held off less than it should."""
        found = [FILE_TRACE] if self._file.exists() else []
        try:
            self._server.accept()[0].close()
        except BlockingIOError:
            return found
        return [*found, NETWORK_TRACE]


@contextmanager
def set_canary() -> Iterator[Canary]:
    """A folder and a server of its own, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="selftaught-canary-"))
    try:
        folder.chmod(0o777)  # guests may be other users
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as server:
            server.bind(("127.0.0.1", 0))
            server.setblocking(False)
            server.listen(8)
            path = folder / "trace.txt"
            code = _CODE.format(path=str(path), port=server.getsockname()[1])
            yield Canary(code, path, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
