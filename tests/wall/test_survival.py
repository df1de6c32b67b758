"""Nothing survives: not a guest its host, not a host's loop its guests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox_support import HONEST, Box, descendants, guest_source, is_alive
from selftaught.core.errors import InfrastructureError
from selftaught.core.ports import Sandbox

HOST = """
import functools, sys, threading
sys.path.insert(0, {tests!r})
from sandbox_support import guest_source
from selftaught.core.ports import Job
from selftaught.core.program import Program
from selftaught.executors.session import GuestSession
from selftaught.sandboxes.layout import find_layout
from selftaught.sandboxes.namespaced import NamespacedSandbox
from selftaught.sandboxes.sealed import SealedSandbox

sandbox = {{"namespaced": NamespacedSandbox, "sealed": SealedSandbox}}[{tier!r}](find_layout())
zygotes = [sandbox.start(guests=2) for _ in range(2)]
for zygote in zygotes:
    zygote.ready()
threads = []
for zygote, name in zip(zygotes, ("loop_in_threads", "loop_in_c")):
    session = GuestSession(zygote, Job(Program(guest_source(name))))
    assert session.load() is None
    call = functools.partial(session.call, (), cpu_s=1000, seed=0)
    threads.append(threading.Thread(target=call))
    threads[-1].start()
print("ready", flush=True)
for thread in threads:
    thread.join()
"""


def survivors_after_s(found: dict[int, str], limit_s: float) -> list[int]:
    """Who of them is still there after so long, or earlier when nobody is."""
    end_s = time.monotonic() + limit_s
    while True:
        alive = [pid for pid, start in found.items() if is_alive(pid, start)]
        if not alive or time.monotonic() > end_s:
            return alive
        time.sleep(0.02)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_host_is_killed_its_guests_are_gone_within_half_a_second(
    sandbox: Sandbox, how: signal.Signals
) -> None:
    script = HOST.format(tests=str(Path(__file__).parents[1]), tier=sandbox.tier)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        try:
            assert host.stdout.readline() == b"ready\n"
            found = descendants(host.pid)
            assert len(found) >= 4, "two zygotes and two guests at least"
        finally:
            host.send_signal(how)
            host.wait(timeout=10)
    assert survivors_after_s(found, 0.5) == []


def test_when_a_session_is_closed_its_guest_is_gone(box: Box) -> None:
    before = set(descendants(os.getpid()))
    session = box.open(guest_source("threads_that_go_on"))
    assert session.call((1,), cpu_s=1.0, seed=0) in (1, 666)
    found = {p: start for p, start in descendants(os.getpid()).items() if p not in before}
    assert len(found) >= 1
    session.close()
    assert survivors_after_s(found, 0.5) == []


def test_when_a_zygote_is_closed_its_guests_are_gone(sandbox: Sandbox) -> None:
    before = set(descendants(os.getpid()))
    zygote = sandbox.start(guests=3)
    zygote.ready()
    box = Box(sandbox.tier, sandbox, zygote)
    sessions = [box.open(HONEST) for _ in range(3)]
    assert all(session.load() is None for session in sessions)
    found = {p: start for p, start in descendants(os.getpid()).items() if p not in before}
    assert len(found) >= 4
    zygote.close()
    assert survivors_after_s(found, 0.5) == []
    for session in sessions:
        session.close()


def test_when_a_zygote_is_killed_the_failure_is_the_hosts_and_is_named(sandbox: Sandbox) -> None:
    before = set(descendants(os.getpid()))
    zygote = sandbox.start()
    try:
        zygote.ready()
        box = Box(sandbox.tier, sandbox, zygote)
        assert box.run(HONEST, 1) == 2
        found = {p: start for p, start in descendants(os.getpid()).items() if p not in before}
        for pid in found:
            with contextlib.suppress(ProcessLookupError):  # it ended with the one before it
                os.kill(pid, signal.SIGKILL)
        while any(is_alive(pid, start) for pid, start in found.items()):
            time.sleep(0.01)
        with pytest.raises(InfrastructureError, match="zygote ended"):
            box.run(HONEST, 1)
    finally:
        zygote.close()
