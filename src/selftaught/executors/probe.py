"""Does a tier work here? Asked by running an honest program and some hostile ones in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from selftaught.core.errors import InfrastructureError, SandboxUnavailable, TierProbe
from selftaught.core.outcome import Failed
from selftaught.core.ports import Job, Sandbox, Zygote
from selftaught.core.program import Program
from selftaught.executors.session import GuestSession

_HONEST = "def algorithm(x):\n    return x + 1\n"

# What a guest must not be able to do, each tried for real: (name, program that then returns True).
_HOSTILE = (
    ("read a file", "def algorithm(x):\n    return bool(open('/etc/passwd').read())\n"),
    ("list a folder", "import os\ndef algorithm(x):\n    return bool(os.listdir('/'))\n"),
    ("fork", "import os\ndef algorithm(x):\n    return os.fork() >= 0\n"),
    (
        "open a network socket",
        "import sys\nsocket = sys.modules['socket']\n"
        "def algorithm(x):\n    return socket.socket().fileno() >= 0\n",
    ),
    (
        "signal others",
        "import os\ndef algorithm(x):\n    os.kill(os.getppid(), 0)\n    return True\n",
    ),
)


# The second is what is said of a file where there is none of the host's.
_REFUSALS = ("PermissionError", "FileNotFoundError")


def probe(sandbox: Sandbox) -> TierProbe:
    """Start a zygote in the tier and try it; blocking, some 300 ms."""
    found, zygote = _probed(sandbox)
    if zygote is not None:
        zygote.close()
    return found


def choose(sandboxes: Sequence[Sandbox]) -> tuple[Sandbox, Zygote]:
    """The first tier that works, and the zygote that has shown it, which the caller closes.

    Raises: SandboxUnavailable if none does.
    """
    probes: list[TierProbe] = []
    for sandbox in sandboxes:
        found, zygote = _probed(sandbox)
        if zygote is not None:
            return sandbox, zygote
        probes.append(found)
    raise SandboxUnavailable(tuple(probes))


def _probed(sandbox: Sandbox) -> tuple[TierProbe, Zygote | None]:
    """What was found, and the zygote if the tier works."""
    with ExitStack() as stack:
        try:
            zygote = sandbox.start()
            stack.callback(zygote.close)
            zygote.ready()
            found = _try(sandbox.tier, zygote)
        except InfrastructureError as error:
            return TierProbe(sandbox.tier, False, str(error)), None
        if not found.usable:
            return found, None
        stack.pop_all()
        return found, zygote


def _try(tier: str, zygote: Zygote) -> TierProbe:
    answer = _ask(zygote, _HONEST)
    if answer != 2:
        return TierProbe(tier, False, f"an honest program failed: {_said(answer)}")
    for deed, program in _HOSTILE:
        answer = _ask(zygote, program)
        if not (isinstance(answer, Failed) and answer.detail.startswith(_REFUSALS)):
            return TierProbe(tier, False, f"a program could {deed}: {_said(answer)}")
    return TierProbe(tier, True, zygote.describe())


def _ask(zygote: Zygote, source: str) -> object:
    session = GuestSession(zygote, Job(Program(source)))
    try:
        answer: object = session.call((1,), cpu_s=1.0, seed=0)
        return answer
    finally:
        session.close()


def _said(answer: object) -> str:
    if isinstance(answer, Failed):
        return f"{answer.kind}: {answer.detail}".partition("\n")[0]
    return repr(answer)[:60]
