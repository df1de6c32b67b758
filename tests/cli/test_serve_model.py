"""`selftaught serve-model`: it listens, answers the official client, and ends in order."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from installed import COMMAND, environment, selftaught

from sandbox_support import descendants, is_alive

PROGRAM = "def algorithm(x):\n    return 3 * x + 1\n"
BUSY_LINES = 1500
WAIT_S = 30


@dataclass(frozen=True)
class Serving:
    """The command, once it listens: its process, the first lines on stderr, and its address."""

    process: subprocess.Popen[str]
    said: list[str]
    url: str

    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url, api_key="none", max_retries=0)

    def end(self, signum: signal.Signals) -> list[str]:
        """Send the signal, wait for the end; the further lines on stderr."""
        self.process.send_signal(signum)
        stdout, stderr = self.process.communicate(timeout=WAIT_S)
        assert stdout == ""
        return stderr.splitlines()


@contextmanager
def serving(cwd: Path, *options: str, lines: int = 2) -> Iterator[Serving]:
    process = subprocess.Popen(
        [COMMAND, "serve-model", "local:mutator", "--port", "0", *options],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stderr is not None
            said = [process.stderr.readline().rstrip("\n") for _ in range(lines)]
            match = re.search(r"local:mutator answers at (http://\S+)$", said[0])
            assert match, said
            yield Serving(process, said, match[1])
        finally:
            process.kill()


def ask(client: openai.OpenAI, program: str = PROGRAM, **more: Any) -> list[str | None]:
    text = f"Improve this:\n```python\n{program}```\n"
    made = client.chat.completions.create(
        model="mutator", messages=[{"role": "user", "content": text}], **more
    )
    return [choice.message.content for choice in made.choices]


def test_it_says_where_it_listens_and_how_to_use_it(here: Path) -> None:
    with serving(here) as server:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", server.url)
        assert server.said == [
            f"selftaught: local:mutator answers at {server.url}",
            f"selftaught: use it with OPENAI_BASE_URL={server.url} OPENAI_API_KEY=none, "
            f"or --model openai:mutator --base-url {server.url}",
        ]
        with server.client() as client:
            assert [model.id for model in client.models.list()] == ["local:mutator"]
            first = ask(client, n=3, seed=1)
            assert len(first) == 3
            assert all("def algorithm" in (text or "") for text in first)
            assert ask(client, n=3, seed=1) == first


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(signum: signal.Signals, here: Path) -> None:
    with serving(here) as server:
        with server.client() as client:
            ask(client)
            guests = descendants(server.process.pid)
            assert guests
            assert server.end(signum) == ["selftaught: stopped; guests are gone"]
            assert server.process.returncode == 0
            assert [pid for pid, start in guests.items() if is_alive(pid, start)] == []


def test_open_requests_do_not_hold_up_its_end(here: Path) -> None:
    lines = [f"    y{number} = x * {number} + (x - {number}) / 3" for number in range(BUSY_LINES)]
    busy = "\n".join(["def algorithm(x):", *lines, "    return x", ""])
    failures: list[Exception] = []

    def keep_busy() -> None:
        with server.client() as client:
            try:
                ask(client, busy, n=128)
            except openai.OpenAIError as error:
                failures.append(error)

    with serving(here, "--slots", "2") as server:
        with server.client() as client:
            ask(client)
        idle = descendants(server.process.pid)
        requests = [threading.Thread(target=keep_busy) for _ in range(2)]
        for request in requests:
            request.start()
        while len(guests := descendants(server.process.pid)) == len(idle):
            time.sleep(0.02)  # until both have a guest
        assert server.end(signal.SIGTERM) == ["selftaught: stopped; guests are gone"]
        for request in requests:
            request.join(WAIT_S)
    assert server.process.returncode == 0
    assert [type(failure) for failure in failures] == [openai.APIConnectionError] * 2
    assert [pid for pid, start in guests.items() if is_alive(pid, start)] == []


def test_a_port_in_use_is_one_clear_line(here: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = selftaught("serve-model", "local:mutator", "--port", port, cwd=here)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr == (
        f"selftaught: error: cannot listen on 127.0.0.1:{port}: "
        "the port is in use; give another --port, or 0 for a free one\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["local:nothing"], "unknown model 'local:nothing'"),
        (["mutator"], "model 'mutator' must be written provider:model"),
        (["local:mutator", "--port", "65536"], "65536 is not in the range"),
        ([], "missing argument 'MODEL'"),
    ],
)
def test_wrong_input_is_one_clear_line(arguments: list[str], said: str, here: Path) -> None:
    done = selftaught("serve-model", *arguments, cwd=here)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_warns_if_other_machines_can_use_it(here: Path) -> None:
    with serving(here, "--host", "0.0.0.0", lines=3) as server:
        assert server.said[2] == (
            "selftaught: warning: this is open to other machines, "
            "and anybody who reaches it can use the model"
        )
        assert server.url.startswith("http://127.0.0.1:")
        with server.client() as client:
            assert len(ask(client, n=2)) == 2
