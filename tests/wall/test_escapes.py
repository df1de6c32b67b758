"""Hostile programs that try to get out, each first where nothing holds it, then in each tier.

The first is the positive control: a program that gets through nowhere would prove nothing.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox_support import (
    GUESTS,
    HONEST,
    PLANTED_KEY,
    PLANTED_NAME,
    Box,
    descendants,
    guest_source,
)
from selftaught.core.outcome import Failed
from selftaught.core.ports import Sandbox

ESCAPES = sorted(path.stem for path in GUESTS.glob("escape_*.py"))


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What hostile programs are told of the host, so that they need not guess."""
    folder = tmp_path_factory.mktemp("host")
    folder.chmod(0o777)
    for parent in folder.parents[:-1]:
        if parent.stat().st_uid == os.getuid() and parent != Path("/tmp"):
            parent.chmod(0o755)
    secret, victim = folder / "secret.txt", folder / "victim.txt"
    secret.write_text("the planted secret")
    victim.write_text("as it was")
    for path in (secret, victim):
        path.chmod(0o666)
    library = importlib.util.find_spec("_lsprof")
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        by_path = stack.enter_context(socket.socket(socket.AF_UNIX))
        by_path.bind(str(folder / "daemon"))
        (folder / "daemon").chmod(0o777)
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0selftaught-test-{os.getpid()}")
        for server in (tcp, by_path, abstract):
            server.listen(50)
        datagrams = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        datagrams.bind(f"\0selftaught-test-datagrams-{os.getpid()}")
        yield {
            "folder": str(folder),
            "secret_file": str(secret),
            "victim": str(victim),
            "port": tcp.getsockname()[1],
            "unix_path": str(folder / "daemon"),
            "abstract_name": f"selftaught-test-{os.getpid()}",
            "abstract_datagrams": f"selftaught-test-datagrams-{os.getpid()}",
            "host_pid": os.getpid(),
            "library": (library.origin if library else None) or "",
        }


def run_uncontained(source: str, call: str) -> str:
    """The last line that a program prints of itself in a plain process."""
    script = f"{source}\nif __name__ == '__main__':\n    print({call}, flush=True)\n"
    environment = {PLANTED_NAME: PLANTED_KEY, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    done = subprocess.run(
        [sys.executable, "-c", parent, script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return (done.stdout.strip().splitlines() or [done.stderr])[-1]


@pytest.mark.parametrize("name", ESCAPES)
def test_it_gets_through_where_nothing_holds_it(name: str, facts: dict[str, Any]) -> None:
    assert run_uncontained(guest_source(name), f"algorithm({facts!r})") == "True"


@pytest.mark.parametrize("name", ESCAPES)
def test_it_does_not_get_out_of_the_sandbox(name: str, facts: dict[str, Any], box: Box) -> None:
    outcome = box.guest(name, facts)
    assert outcome is False or (isinstance(outcome, Failed) and outcome.kind == "raised"), outcome


def test_nothing_of_the_hosts_was_changed_by_them(box: Box, facts: dict[str, Any]) -> None:
    secret = Path(facts["secret_file"])
    before = sorted(Path(facts["folder"]).iterdir()), secret.stat()
    for name in ("escape_write_files", "escape_tamper_with_files"):
        box.guest(name, {**facts, "victim": facts["secret_file"]})
    assert (sorted(Path(facts["folder"]).iterdir()), secret.stat()) == before


needs_x86_64 = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="the list of system calls is that of x86-64"
)


@needs_x86_64
def test_system_calls_that_reach_others_are_refused_by_number(box: Box) -> None:
    assert box.guest("raw_system_calls") == []


@needs_x86_64
def test_most_of_those_system_calls_are_there_where_nothing_holds_it() -> None:
    names = run_uncontained(guest_source("raw_system_calls"), "' '.join(algorithm())").split()
    assert len(names) > 40


def test_a_guest_has_its_socket_and_no_descriptor_that_others_share(box: Box) -> None:
    assert len(box.guest("open_descriptors")) == 1


def test_siblings_find_no_message_in_what_they_share_by_fork(box: Box) -> None:
    before = box.guest("mailbox_through_shared_descriptors", 0)
    box.guest("mailbox_through_shared_descriptors", 123_456_789)
    assert box.guest("mailbox_through_shared_descriptors", 0) == before


def test_siblings_find_no_message_in_memory(box: Box) -> None:
    empty = box.guest("mailbox_in_memory", "hello")
    assert empty == [None] * 6
    assert box.guest("mailbox_in_memory", "hello") == empty


def test_what_the_host_holds_in_memory_is_not_on_the_guests_heap(box: Box) -> None:
    answer = "the hidden answer " + "of the host"
    outcome = box.guest("walks_the_heap", answer[::-1])
    assert isinstance(outcome, int)
    assert outcome > 1000, "it saw nothing at all"
    assert outcome is not True


def test_a_walk_of_the_heap_finds_answers_where_there_is_no_wall() -> None:
    answer = "the hidden answer " + "of the host"
    found: dict[str, Any] = {"hidden": {"nested": answer + "!"}}
    exec(compile(guest_source("walks_the_heap"), "<control>", "exec"), found)
    assert found["algorithm"](answer[::-1]) is True


def test_the_environment_of_a_guest_is_the_same_few_names_for_all(box: Box) -> None:
    names = box.run("import os\ndef algorithm():\n    return sorted(os.environ)\n")
    assert PLANTED_NAME not in names
    assert "USER" not in names
    assert len(names) < 15


def test_no_process_of_the_sandbox_was_started_with_the_hosts_environment(
    sandbox: Sandbox, planted_key: str
) -> None:
    others = descendants(os.getpid())
    zygote = sandbox.start()
    try:
        zygote.ready()
        assert Box(sandbox.tier, sandbox, zygote).run(HONEST, 1) == 2
        environments = []
        for pid in descendants(os.getpid()).keys() - others.keys():
            with contextlib.suppress(OSError):  # only root may read that of a guest
                environments.append(Path(f"/proc/{pid}/environ").read_bytes())
    finally:
        zygote.close()
    assert [text for text in environments if b"PYTHONHASHSEED" in text]
    assert not [text for text in environments if planted_key.encode() in text]


MISSING = ("ctypes.util", "socket_", "sqlite3", "xml", "scipy", "selftaught", "multiprocessing")


@pytest.mark.parametrize("module", [*MISSING, "selftaught.core", "numpy.testing", "urllib.request"])
def test_a_module_that_is_not_preloaded_is_the_same_import_error_in_both_tiers(
    box: Box, module: str
) -> None:
    outcome = box.run(f"def algorithm():\n    import {module}\n")
    assert isinstance(outcome, Failed)
    assert outcome.kind == "raised"
    said = outcome.detail.partition("\n")[0]
    assert said in {
        f"ImportError: no module {name!r} in the sandbox"
        for name in (module, module.partition(".")[0])
    }


HONEST_DEEDS = {
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        def algorithm():
            with ThreadPoolExecutor(4) as pool:
                return sum(pool.map(abs, range(-10, 0)))
    """,
    "linear algebra": """
        import numpy as np
        def algorithm():
            return float(np.linalg.solve(np.eye(3) * 2, np.ones(3)).sum())
    """,
    "fourier": """
        import numpy as np
        def algorithm():
            return float(np.fft.fft(np.ones(4))[0].real)
    """,
    "statistics": """
        import statistics
        def algorithm():
            return statistics.stdev([1.0, 2.0, 4.0])
    """,
    "dataclasses": """
        from dataclasses import dataclass, astuple
        @dataclass(frozen=True, order=True)
        class Point:
            x: int
            y: int = 2
        def algorithm():
            return astuple(max(Point(1), Point(3)))
    """,
    "dates": """
        import datetime, time
        def algorithm():
            return datetime.datetime.now().year > 2000 and time.strftime("%Y") > "2000"
    """,
    "sleeping": """
        import time
        def algorithm():
            time.sleep(0.001)
            return 1
    """,
    "printing": """
        import sys
        def algorithm():
            print("hello")
            sys.stderr.write("x")
            sys.stdout.flush()
            return 1
    """,
    "warnings": """
        import warnings
        def algorithm():
            warnings.warn("careful")
            return 1
    """,
    "tracebacks": """
        import traceback
        def algorithm():
            try:
                1 / 0
            except ZeroDivisionError:
                return traceback.format_exc()
    """,
    "texts": """
        import re, string, textwrap, unicodedata
        def algorithm():
            return re.sub("[aeiou]", "", textwrap.dedent("  hello")), unicodedata.name("x")
    """,
    "hashes": """
        import hashlib, zlib
        def algorithm():
            return hashlib.sha256(b"x").hexdigest(), zlib.crc32(b"x")
    """,
    "its own source": """
        import inspect
        def algorithm():
            return inspect.getsource(algorithm)
    """,
    "decimals": """
        from decimal import Decimal
        from fractions import Fraction
        def algorithm():
            return str(Decimal(1) / 3), str(Fraction(1, 3))
    """,
    "a signal of its own timer": """
        import signal, time
        def algorithm():
            heard = []
            signal.signal(signal.SIGALRM, lambda *args: heard.append(1))
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            time.sleep(0.05)
            return len(heard)
    """,
}


@pytest.mark.parametrize("name", HONEST_DEEDS)
def test_what_honest_programs_do_works_in_both_tiers(name: str, box: Box) -> None:
    outcome = box.run(textwrap.dedent(HONEST_DEEDS[name]))
    assert not isinstance(outcome, Failed), outcome


def test_time_goes_on_in_the_sandbox(box: Box) -> None:
    seen = box.run("import time\ndef algorithm():\n    return time.time()\n")
    assert abs(seen - time.time()) < 60
