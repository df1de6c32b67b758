"""What a guest has and has not, and that honest programs miss nothing of it."""

from __future__ import annotations

import contextlib
import os
import textwrap
import time
from pathlib import Path

import pytest

from sandbox_support import (
    HONEST,
    PLANTED_NAME,
    Box,
    descendants,
)
from selftaught.core.outcome import Failed
from selftaught.core.ports import Sandbox


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


def test_a_candidate_measures_itself_by_the_machines_clocks(box: Box) -> None:
    source = """
        import datetime, time, timeit
        def algorithm():
            start, cpu = time.perf_counter(), time.process_time()
            while time.process_time() - cpu < 0.05:
                pass
            taken = timeit.timeit("time.sleep(0.01)", "import time", number=2)
            return time.perf_counter() - start, taken, datetime.datetime.now().timestamp()
    """
    whole, taken, now = box.run(textwrap.dedent(source))
    assert 0.07 <= whole < 10
    assert 0.02 <= taken < 10
    assert abs(now - time.time()) < 60
