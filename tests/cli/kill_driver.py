"""Kills a run again and again, at moments spread over all that it does, and resumes it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from installed import Started, started

import model_server as ms
from model_server.replies import FIRST_PROGRAM
from selftaught_guest.extract import code_blocks

LATENCY_S = 0.05
_LIMIT_S = 120
ARGUMENTS = (
    *("run", "flow_shop", "descent", "--iterations", "2", "--accept", "paper", "--json"),
    *("--search-runs", "1", "--val-runs", "2", "--test-runs", "2", "--instance-key", "public"),
    *("--price-in", "1", "--price-out", "4", "--model", "openai:test"),
)


def reply(number: int, body: Mapping[str, Any], index: int) -> str:
    """The program in the prompt with a comment that follows from the request's seed alone."""
    blocks = code_blocks(body["messages"][-1]["content"]) or [FIRST_PROGRAM]
    return f"```python\n{blocks[0].rstrip()}\n# {body.get('seed')}.{index}\n```"


@dataclass
class Kills:
    """What the driver did and saw.

    Attributes:
        phases: what the run was doing at each kill: the kind of the journal's last event.
        under_way: requests that the server had open at each kill.
    """

    phases: list[str] = field(default_factory=list)
    under_way: int = 0


def uninterrupted(server: ms.ModelServer, folder: Path) -> dict[str, Any]:
    """The result of a run that nobody disturbs."""
    folder.mkdir()
    process = _start((*ARGUMENTS, "--base-url", server.base_url), folder)
    stdout, stderr = process.communicate(timeout=_LIMIT_S)
    assert process.returncode == 0, stderr
    return dict(json.loads(stdout))


def killed_and_resumed(
    server: ms.ModelServer, folder: Path, kills: int, events: int
) -> tuple[dict[str, Any], Kills]:
    """The result of a run that is killed so many times.

    Args:
        events: of an uninterrupted run; the kills come after equal shares of them.
    """
    folder.mkdir()
    seen = Kills()
    command = (*ARGUMENTS, "--base-url", server.base_url)
    for number in range(kills):
        process = _start(command, folder)
        _wait_for_events(process, folder, round((number + 0.5) * events / kills))
        assert process.poll() is None, "the run had ended before it was killed"
        seen.phases.append(_last_kind(folder))
        seen.under_way += server.counts().under_way
        process.kill()
        process.communicate()
        server.wait_until_idle()
        command = ("resume", "latest", "--json")
    process = _start(command, folder)
    stdout, stderr = process.communicate(timeout=_LIMIT_S)
    assert process.returncode == 0, stderr
    return dict(json.loads(stdout)), seen


def count_events(folder: Path) -> int:
    """How many events the store has; 0 while there is none."""
    return int(_ask(folder, "SELECT count(*) FROM events") or 0)


def served_more_than_once(server: ms.ModelServer) -> Counter[tuple[str, int]]:
    """How often more than once each request was served, by its message and seed."""
    served = Counter(
        (str(one.body["messages"][-1]["content"]), int(one.body["seed"])) for one in server.served
    )
    return Counter({request: count - 1 for request, count in served.items() if count > 1})


def requests_of(folder: Path, state: str) -> int:
    """How many requests the journal closed with this state."""
    query = "SELECT count(*) FROM events WHERE kind = 'lm_answer' AND body LIKE ?"
    return int(_ask(folder, query, f'%"state":"{state}"%') or 0)


def _start(command: tuple[str, ...], folder: Path) -> Started:
    return started(*command, cwd=folder, limit_s=_LIMIT_S, OPENAI_API_KEY="k")


def _wait_for_events(process: Started, folder: Path, count: int) -> None:
    """Until the store has more events than when it started, and as many as asked for."""
    at_start = count_events(folder)
    end_s = time.monotonic() + _LIMIT_S
    while count_events(folder) <= max(at_start, count):
        if process.poll() is not None:
            raise AssertionError(f"the run ended by itself: {process.communicate()}")
        assert time.monotonic() < end_s, "the run does not go on"
        time.sleep(0.002)


def _last_kind(folder: Path) -> str:
    return str(_ask(folder, "SELECT kind FROM events ORDER BY seq DESC LIMIT 1"))


def _ask(folder: Path, query: str, *values: str) -> Any:
    path = folder / "selftaught.db"
    if not path.exists():
        return None
    with contextlib.closing(sqlite3.connect(path, timeout=10)) as database:
        try:
            row = database.execute(query, values).fetchone()
        except sqlite3.OperationalError:  # its tables are not there yet
            return None
    return row[0] if row else None
