"""Candidates a second beside OpenEvolve 0.4.1, and what a candidate costs our host.

Both ask one model server on loopback, which answers at once, for one response a candidate, are
given the same edits of the same program, and score each child by the same sum. Theirs runs in
worker processes, one a core, without isolation, as it is made to run; ours in the sandbox,
journalled, with a price and a budget, so that each answer is on disk before it is used. Counted
from the first request that the server gets to the last, so that nobody's start counts; in pairs,
in which either goes first in turn.

The host's CPU is that of our process, guests and zygotes apart, a call and a scoring: between the
shortest run and the longer one, so that imports do not count.

    python benchmarks/throughput.py [--sizes 100,300,1000,3000] [--pairs 3]
    python benchmarks/throughput.py --share      the host beside candidates that take 40 ms

The first makes an environment of OpenEvolve's own, once, as benchmarks/peers does and where.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import selftaught as st

CORES = os.cpu_count() or 1
ROOT = Path(__file__).resolve().parents[1]

# --- what both work on --------------------------------------------------------------------------

PROGRAM = """import time

import numpy as np

# EVOLVE-BLOCK-START
def algorithm(x, cpu_s):
    step = 0
    start = time.process_time()
    while time.process_time() - start < cpu_s:
        pass
    return float(np.sum(x))
# EVOLVE-BLOCK-END
"""
EVALUATOR = """import importlib.util

import numpy as np


def evaluate(path):
    spec = importlib.util.spec_from_file_location("program", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    x = np.random.default_rng(0).random(10)
    return {"combined_score": 0.5 * float(abs(program.algorithm(x, 0.0) - x.sum()) < 1e-9)}
"""
IMPROVER = """from collections import deque

from helpers import extract_code

AT_ONCE = 8


def improve_algorithm(initial_solution, utility, language_model):
    message = "Improve this program:\\n```python\\n" + initial_solution + "\\n```"
    asked, scored = deque(), deque()
    for number in range(language_model.budget):
        if len(asked) == AT_ONCE:
            scored.append(utility.start(extract_code(asked.popleft().result()[0])))
        if len(scored) == AT_ONCE:
            scored.popleft().result()
        asked.append(language_model.start("You write Python.", message, 1))
    while asked:
        scored.append(utility.start(extract_code(asked.popleft().result()[0])))
    while scored:
        scored.popleft().result()
    return initial_solution
"""


class Sums:
    """Whether the sum of ten numbers is right; there is something better, which nobody finds."""

    def __init__(self, cpu_s: float) -> None:
        self.cpu_s = cpu_s

    def __call__(self, program: st.SandboxedProgram, rng: np.random.Generator) -> float:
        x = rng.random(10)
        return 0.5 * float(abs(program(x, self.cpu_s, cpu_s=1.0) - x.sum()) < 1e-9)


# --- the model server, in a process of its own ----------------------------------------------------


class Server(asyncio.Protocol):
    """One connection; edits the step of the program that the prompt is about."""

    asked_at: ClassVar[list[float]] = []
    latency_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        size = int(length[1]) if length else 0
        if not found or len(body) < size:
            return
        self.received = body[size:]
        if head.startswith(b"GET"):
            self.answer({"asked_at": self.asked_at})
            return
        self.asked_at.append(time.time())
        prompt = json.loads(body[:size])["messages"][-1]["content"]
        asyncio.get_running_loop().call_later(self.latency_s, self.answer, self.completion(prompt))

    def completion(self, prompt: str) -> dict[str, Any]:
        about = prompt.rpartition("# Current Program")[2]
        (line,) = re.findall(r"^ *step = \d+$", about, re.MULTILINE)[:1]
        new = f"    step = {len(self.asked_at)}"
        text = f"A step.\n\n<<<<<<< SEARCH\n{line}\n=======\n{new}\n>>>>>>> REPLACE\n"
        message = {"role": "assistant", "content": text}
        return {
            "id": f"chatcmpl-{len(self.asked_at)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": "scripted",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {
                "prompt_tokens": len(prompt) // 4,
                "completion_tokens": 40,
                "total_tokens": len(prompt) // 4 + 40,
            },
        }

    def answer(self, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self.transport.write(head.encode() + b"\r\n\r\n" + body)


async def serve(latency_s: float) -> None:
    Server.latency_s = latency_s
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def model_server(latency_s: float = 0.0) -> Iterator[str]:
    """Its base URL."""
    command = [sys.executable, __file__, "--serve", str(latency_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.terminate()
        process.communicate()


def asked_at(url: str) -> list[float]:
    from urllib.request import urlopen

    with urlopen(url) as answer:
        times: list[float] = json.load(answer)["asked_at"]
    return times


# --- the two sides --------------------------------------------------------------------------------


def work(url: str, candidates: int, cpu_s: float) -> None:
    """Ours, in a process of its own: tells the CPU seconds of this process."""
    with tempfile.TemporaryDirectory() as folder:
        improver = Path(folder, "ahead.py")
        # With a model that takes its time, so many that no core waits for it.
        at_once = "AT_ONCE = 32" if cpu_s else "AT_ONCE = 8"
        improver.write_text(IMPROVER.replace("AT_ONCE = 8", at_once))
        result = st.improve(
            st.Task("sums", PROGRAM, Sums(cpu_s), range=(0.0, 1.0), description="A sum."),
            improver=improver,
            model="openai:scripted",
            provider={"base_url": url, "price_in": 1.0, "price_out": 4.0},
            limits=st.ImproverLimits(
                calls=candidates, samples_per_call=1, utility_uses=candidates + 1, cpu_s=600.0
            ),
            budget=st.Budget(lm_calls=candidates),
            confirm=1,
            test_repeats=2,
            store=f"sqlite:///{folder}/journal.db",
            instance_key="public",
            progress=False,
        )
    assert result.data["usage"]["lm_calls"] == candidates
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime}))


def ours(url: str, candidates: int, cpu_s: float = 0.0) -> float:
    """CPU seconds of the host."""
    command = [sys.executable, __file__, "--work", url, str(candidates), str(cpu_s)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    used_s: float = json.loads(done.stdout)["cpu_s"]
    return used_s


def theirs(python: Path, url: str, candidates: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program.py").write_text(PROGRAM)
        (folder / "evaluator.py").write_text(EVALUATOR)
        settings = {
            "max_iterations": candidates,
            "log_level": "WARNING",
            "llm": {
                "api_base": url,
                "api_key": "none",
                "models": [{"name": "scripted", "weight": 1.0}],
            },
            "evaluator": {"parallel_evaluations": CORES},
        }
        (folder / "config.yaml").write_text(json.dumps(settings))  # JSON is YAML
        command = [str(python.with_name("openevolve-run")), "program.py", "evaluator.py"]
        subprocess.run(
            [*command, "--config", "config.yaml", "--output", "out"],
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


# --- what is measured -----------------------------------------------------------------------------


def rate(url: str) -> float:
    times = asked_at(url)
    return (len(times) - 1) / (times[-1] - times[0])


def pairs(sizes: list[int], count: int) -> None:
    sys.path.append(str(ROOT / "benchmarks" / "peers"))
    from engines import environment

    python = environment(ROOT / ".peers", "openevolve")
    print(
        f"{CORES} cores, load {os.getloadavg()[0]:.1f}; `python -c 'import numpy'` takes ", end=""
    )
    print(f"{python_with_numpy_s():.2f} s. Candidates a second, medians of {count} pairs:\n")
    print("candidates  OpenEvolve  selftaught  ratio  least  most  host's CPU, ms a candidate")
    cpu_s: dict[int, list[float]] = {}
    for size in sizes:
        found: list[tuple[float, float]] = []
        for number in range(count):
            rates = {}
            for side in ("theirs", "ours") if number % 2 else ("ours", "theirs"):
                with model_server() as url:
                    if side == "ours":
                        cpu_s.setdefault(size, []).append(ours(url, size))
                    else:
                        theirs(python, url, size)
                    rates[side] = rate(url)
            found.append((rates["theirs"], rates["ours"]))
        ratios = sorted(own / other for other, own in found)
        other, own = (statistics.median(side) for side in zip(*found, strict=True))
        more = size - sizes[0]
        ms = 1000 * (statistics.median(cpu_s[size]) - statistics.median(cpu_s[sizes[0]]))
        print(
            f"{size:10,}  {other:10.1f}  {own:10.1f}  {statistics.median(ratios):5.2f}"
            f"  {ratios[0]:5.2f} {ratios[-1]:5.2f}  {f'{ms / more:.2f}' if more else '-':>8}",
            flush=True,
        )


def python_with_numpy_s() -> float:
    times = []
    for _ in range(5):
        start_s = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import numpy"], check=True)
        times.append(time.perf_counter() - start_s)
    return statistics.median(times)


def share(latency_s: float = 0.5, cpu_s: float = 0.04) -> None:
    """The host's share of all cores, while candidates take so much CPU and the model so long."""
    few, many = 100, 600
    used_s, took_s = {}, {}
    for size in (few, many):
        with model_server(latency_s) as url:
            used_s[size] = ours(url, size, cpu_s)
            times = asked_at(url)
            took_s[size] = times[-1] - times[0]
    more_s = used_s[many] - used_s[few]
    part = more_s / (CORES * (took_s[many] - took_s[few]))
    print(f"{many} candidates of {1000 * cpu_s:.0f} ms, a model that takes {latency_s:g} s:")
    print(
        f"{many / took_s[many]:.1f} candidates a second; the host takes {part:.1%} of {CORES} cores"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="100,300,1000,3000", help="candidates of each run")
    parser.add_argument("--pairs", type=int, default=3, help="runs of each side a size")
    parser.add_argument("--share", action="store_true", help="the host beside 40 ms candidates")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve is not None:
        asyncio.run(serve(asked.serve))
    elif asked.work is not None:
        url, candidates, cpu_s = asked.work
        work(url, int(candidates), float(cpu_s))
    elif asked.share:
        share()
    else:
        pairs(sorted(map(int, asked.sizes.split(","))), asked.pairs)


if __name__ == "__main__":
    main()
