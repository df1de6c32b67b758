"""Model calls over HTTP and sandboxed scoring together, as a run has them.

1. Throughput: a model server with no latency; each candidate is one call for one response, and one
   scoring in a fresh guest. Beside it, in the same run, the same calls through the same SDK with a
   plain subprocess a candidate: no isolation, no journal, no budget.
2. A trace of the size of the reference implementation's own work (615 calls of 0.5 s, 4,068
   scorings of 40 ms CPU, 500 s one after the other): the wall time of the run over its bound, which
   is computed from what the journal says was done: the CPU time of the candidates over the cores,
   or the model's latency along the longest chain, whichever is larger.

Both depend on how fast a process can be forked here, so the time that a bare `python -c "import
numpy"` takes is printed with them; it was 60 ms where the targets were set.

    python benchmarks/end_to_end.py [--quick]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import openai

import selftaught as st
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, LmCall
from selftaught.journal.reader import open_reader
from selftaught_guest.helpers import extract_code

CORES = os.cpu_count() or 1
PRICES = {"price_in": 1.0, "price_out": 4.0}  # paid: each answer is on disk before it is used
REFERENCE_MS = 60.0
PUBLIC: dict[str, Any] = {"instance_key": "public"}

# --- a model server in a process of its own -----------------------------------------------------


@contextmanager
def model_server(latency_s: float) -> Iterator[str]:
    """Its base URL."""
    command = [sys.executable, "-m", "model_server", "--latency", str(latency_s)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1] / "tests")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())["base_url"]
    finally:
        process.terminate()
        process.communicate()


# --- 1. throughput ------------------------------------------------------------------------------

SUMS = "import numpy as np\n\n\ndef algorithm(x):\n    return float(np.sum(x))\n"
ONE_BY_ONE = """from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    message = "Improve this program:\\n```python\\n" + initial_solution + "\\n```"
    best = initial_solution
    for _ in range(language_model.budget):
        (response,) = language_model.prompt("You write Python.", message, n_responses=1)
        best = extract_code(response)
        utility(best)
    return best
"""


def sums(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """Whether the sum of ten numbers is right."""
    x = rng.random(10)
    return float(abs(program(x, cpu_s=0.5) - x.sum()) < 1e-9)


def throughput(folder: Path, candidates: int) -> None:
    with model_server(0.0) as url:
        plain = in_subprocesses(url, candidates // 10)
        ours = in_a_run(folder, url, candidates)
    startup_ms = python_with_numpy_ms()
    print(f"a call and a scoring a candidate, {CORES} cores")
    print(f"  subprocess a candidate, no isolation   {plain:7.1f} a second")
    print(f"  selftaught, sandboxed and journalled   {ours:7.1f} a second   {ours / plain:.1f}x")
    scaled = ours * startup_ms / REFERENCE_MS
    print(f"  a bare `python -c 'import numpy'` takes {startup_ms:.0f} ms here just now; where the")
    print(f"  target of 205 was set: {REFERENCE_MS:.0f} ms, so there {scaled:8.1f} a second\n")


def in_a_run(folder: Path, url: str, candidates: int) -> float:
    """Candidates a second in the first, fully parallel step of a STOP run."""
    calls, store = 25, f"sqlite:///{folder}/throughput.db"
    improver = folder / "one_by_one.py"
    improver.write_text(ONE_BY_ONE)
    runs = max(4, candidates // calls)
    st.self_improve(
        [st.Task("sums", SUMS, sums, range=(0.0, 1.0))],
        iterations=1,
        improver=improver,
        model="openai:scripted",
        provider={"base_url": url, **PRICES},
        limits=st.ImproverLimits(calls=calls, samples_per_call=1, utility_uses=calls + 1),
        runs={"search": 1, "val": runs // 2, "test": runs // 2},
        budget=st.Budget(lm_calls=calls * (runs // 2) * 2),
        store=store,
        **PUBLIC,
    )
    events = journal_of(store)
    scored = [event for event in events if event.kind == "evaluation"]
    return len(scored) / (scored[-1].at - began(events))


def in_subprocesses(url: str, candidates: int) -> float:
    """The same calls and programs, each in a process of its own; as many at once as cores."""

    async def one(client: openai.AsyncOpenAI, places: asyncio.Semaphore) -> None:
        async with places:
            message = f"Improve this program:\n```python\n{SUMS}\n```"
            answer = await client.chat.completions.create(
                model="scripted",
                messages=[{"role": "user", "content": message}],
                max_tokens=4096,
            )
            source = extract_code(answer.choices[0].message.content or "")
            check = "import numpy as n; x = n.ones(10); print(algorithm(x) - x.sum())"
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", f"{source}\n{check}", stdout=asyncio.subprocess.PIPE
            )
            said, _ = await process.communicate()
            assert float(said) == 0

    async def work() -> float:
        client = openai.AsyncOpenAI(base_url=url, api_key="none")
        places = asyncio.Semaphore(CORES)
        start_s = time.perf_counter()
        await asyncio.gather(*(one(client, places) for _ in range(candidates)))
        took_s = time.perf_counter() - start_s
        await client.close()
        return candidates / took_s

    return asyncio.run(work())


def python_with_numpy_ms() -> float:
    times = []
    for _ in range(5):
        start_s = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import numpy"], check=True)
        times.append(1000 * (time.perf_counter() - start_s))
    return sorted(times)[2]


# --- 2. the trace -------------------------------------------------------------------------------

ALL_AT_ONCE = """from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    message = "Improve this program:\\n```python\\n" + initial_solution + "\\n```"
    responses = language_model.prompt("You write Python.", message, n_responses=6)
    solutions = extract_code(responses)
    scores = utility.map(solutions)
    return solutions[scores.index(max(scores))]
"""
BURN = """import time


def algorithm(cpu_s):
    start = time.process_time()
    while time.process_time() - start < cpu_s:
        pass
    return 1.0
"""
SCORING_CPU_S = 0.04
LATENCY_S = 0.5


def burn(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """Forty milliseconds of CPU time."""
    return float(program(SCORING_CPU_S, cpu_s=1.0))


def trace(folder: Path, *, quick: bool) -> None:
    store = f"sqlite:///{folder}/trace.db"
    many = 6 if quick else 42
    improver = folder / "all_at_once.py"
    improver.write_text(ALL_AT_ONCE)
    with model_server(LATENCY_S) as url:
        result = st.self_improve(
            [st.Task("burn", BURN, burn, range=(0.0, 1.0))],
            iterations=1 if quick else 4,
            improver=improver,
            accept="paper",
            model="openai:scripted",
            provider={"base_url": url, **PRICES},
            runs={"search": 5, "val": many, "test": many},
            store=store,
            **PUBLIC,
        )
    events = journal_of(store)
    calls = sum(event.kind == "lm_call" for event in events)
    scorings = [event.body for event in events if isinstance(event.body, Evaluation)]
    nominal_s = len(scorings) * SCORING_CPU_S
    used_s = sum(scoring.cpu_s for scoring in scorings)
    chain_s = longest_chain_s(events)
    bound_s = max(chain_s, nominal_s / CORES)
    wall_s = result.data["wall_s"]
    serial_s = calls * LATENCY_S + nominal_s
    print(f"a trace of {calls} calls of {LATENCY_S:g} s and {len(scorings)} scorings of 40 ms CPU")
    print(f"  longest chain of model latency         {chain_s:7.1f} s")
    print(f"  CPU work over {CORES} cores                  {nominal_s / CORES:7.1f} s")
    print(f"  bound, the larger of the two           {bound_s:7.1f} s")
    print(f"  wall time                              {wall_s:7.1f} s   {wall_s / bound_s:.2f}x")
    print(f"  CPU of the guests themselves, a core   {used_s / CORES:7.1f} s")
    print(f"  one after the other                    {serial_s:7.1f} s   {serial_s / wall_s:.1f}x")


def longest_chain_s(events: list[Event]) -> float:
    """Latency of the model along the longest chain of calls that wait for each other.

    An improver's calls follow each other. Improver runs of the meta-utility are a part of the
    proposal that asked for them; what one step measures comes before the next step.
    """
    calls: dict[str, int] = {}
    for event in events:
        if isinstance(event.body, LmCall):
            calls[event.body.invocation] = calls.get(event.body.invocation, 0) + 1
    total = longest = 0
    for event in events:
        if isinstance(event.body, Invocation):
            own = calls.get(event.key, 0)
            if event.body.role == "proposal":
                total += longest + own
                longest = 0
            else:
                longest = max(longest, own)
        elif event.kind in ("iteration", "meta_evaluation", "result"):
            total += longest
            longest = 0
    return total * LATENCY_S


# --- the journal --------------------------------------------------------------------------------


def journal_of(store: str) -> list[Event]:
    with open_reader(store) as reader:
        return list(reader.events(reader.runs()[0]))


def began(events: list[Event]) -> float:
    return next(event.at for event in events if event.kind == "run")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    quick: bool = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as name:
        throughput(Path(name), 500 if quick else 3000)
        trace(Path(name), quick=quick)


if __name__ == "__main__":
    main()
