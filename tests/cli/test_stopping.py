"""Ctrl-C and SIGTERM: guests gone, journal whole, and a line that says what was kept."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from installed import COMMAND, environment, selftaught

from sandbox_support import descendants, is_alive
from selftaught.cli.edge import Stopped
from selftaught.cli.execute import execute
from selftaught.core.progress import Listener, Progress
from selftaught.studies.common_config import DEFAULT_STORE

SIGNALS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


@pytest.mark.parametrize(("signum", "code"), SIGNALS)
def test_a_stopped_run_leaves_no_guest_and_a_whole_journal(
    signum: signal.Signals, code: int, here: Path
) -> None:
    process = subprocess.Popen(
        [COMMAND, "run", "--json"],
        cwd=here,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    started = process.stderr.readline()
    match = re.search(r"run (\S+) started", started)
    assert match, started
    time.sleep(0.5)
    guests = descendants(process.pid)
    assert guests
    process.send_signal(signum)
    asked_s = time.monotonic()
    stdout, stderr = process.communicate(timeout=30)
    assert time.monotonic() - asked_s < 8  # 2 s where nothing else runs
    assert (process.returncode, stdout) == (code, "")
    assert [pid for pid, start in guests.items() if is_alive(pid, start)] == []
    kept = stderr.splitlines()[-1]
    assert kept.startswith(f"selftaught: stopped: run {match[1]} kept what was complete: ")
    assert kept.endswith(f"guests are gone; go on with: selftaught resume {match[1]}")
    view = json.loads(selftaught("show", "latest", "--json", cwd=here).stdout)
    assert (view["run_id"], view["state"]) == (match[1], "interrupted")
    assert not list(here.glob("*-wal"))


async def _wait(listener: Listener, events: list[Progress]) -> dict[str, Any]:
    for event in events:
        listener(event)
    main_thread = threading.main_thread().ident
    threading.Timer(0.1, signal.pthread_kill, [main_thread, signal.SIGINT]).start()
    await asyncio.sleep(30)
    return {}


def test_what_is_stopped_before_it_began_says_that_nothing_was_written() -> None:
    with pytest.raises(Stopped, match="before anything was written"):
        execute(lambda listener: _wait(listener, []), DEFAULT_STORE, as_json=True)


def test_what_is_stopped_says_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    spent = {"lm_calls": 2, "samples": 9, "tokens": 50, "usd": 0.0}
    head = {"run_id": "r1", "command": "run", "tasks": [], "model": "m", "tier": "t"}
    head |= {"spent": spent, "at_once": 2}
    started = Progress("run_started", head | {"config": {"iterations": 3}})
    measured = {"mean": 0.5, "ci95": None, "n": 1}
    iteration = {"t": 0, "improver_id": "a", "val": measured, "test": measured, "proposal": None}
    answered = Progress(
        "model_answered", {"lm_calls": 1, "samples": 2, "tokens_out": 5, "usd": 0.0}
    )
    events = [started, answered, Progress("iteration", iteration)]
    with pytest.raises(Stopped) as stopped:
        execute(lambda listener: _wait(listener, events), "sqlite:///mine.db", as_json=True)
    assert str(stopped.value) == (
        "stopped: run r1 kept what was complete: 1 iteration, 3 model calls; guests are gone; "
        "go on with: selftaught resume r1 --store sqlite:///mine.db"
    )
    assert stopped.value.signum == signal.SIGINT
    assert "t = 0 of 3: a: val 0.5000 [no interval]" in capsys.readouterr().err
