"""The journal: what an event costs to append, and how soon a long run goes on.

1. Appends of events as a run writes them (a model call with a prompt and a response), 1,000 at a
   time, to stores of growing size: the median time of one append, and of one event through to the
   commit, without waiting for the disk.
2. Bytes an event takes in the store.
3. Reading back what a run of 10,000 model calls has done, as `selftaught resume` does.

    python benchmarks/journal.py [--events 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from selftaught.core.budget import Usage
from selftaught.core.program import content_id
from selftaught.engine.recall import recall
from selftaught.journal.events import LmAnswer, LmCall, Run
from selftaught.journal.journal import SqlJournal, open_journal
from selftaught.journal.reader import open_reader

BATCH = 1000
PROMPT = "Here is a program:\n```python\n" + "x = 1\n" * 200 + "```\n"
REPLY = "```python\n" + "x = 2\n" * 100 + "```\n"
USAGE = Usage(1, 1, 1, 1, 1, 1)
RUN = Run(command="run", config={}, version="", seed=0, model="m", tier="", tasks=(), started="")


def call(number: int) -> tuple[LmCall, str, tuple[str, ...]]:
    """Body, key and texts of one request."""
    prompt = f"{PROMPT}{number}"
    body = LmCall(
        invocation=f"i{number // 4}",
        request=0,
        place=0,
        system=content_id("You write Python."),
        user=content_id(prompt),
        n=6,
        temperature=0.7,
        max_tokens=4096,
        seeds=tuple(number * 7919 + place for place in range(6)),
        reserved=USAGE,
    )
    return body, f"{number:020d}", ("You write Python.", prompt)


def answer(number: int) -> tuple[LmAnswer, str, tuple[str, ...]]:
    texts = tuple(f"{REPLY}{number}.{place}" for place in range(6))
    body = LmAnswer(
        invocation=f"i{number // 4}",
        request=0,
        state="answered",
        detail="",
        texts=tuple(content_id(text) for text in texts),
        finishes=("stop",) * 6,
        model="m",
        usage_reported=True,
        usage=USAGE,
        cost_usd=1.0,
    )
    return body, f"{number:020d}", texts


async def append(journal: SqlJournal, first: int, count: int) -> tuple[float, float]:
    """Median milliseconds of one append, and milliseconds an event until all are committed."""
    times = []
    start_s = time.perf_counter()
    for number in range(first, first + count // 2):
        for body, key, texts in (call(number), answer(number)):
            before_s = time.perf_counter()
            journal.append("run", body, key, texts)
            times.append(time.perf_counter() - before_s)
    await journal.flush()
    return 1000 * statistics.median(times), 1000 * (time.perf_counter() - start_s) / count


async def grow(url: str, path: Path, events: int) -> None:
    journal = open_journal(url)
    journal.append("run", RUN, "run")
    print(
        f"{'events so far':>14}{'append, median':>18}{'until committed':>18}{'bytes an event':>16}"
    )
    written = 0
    for target in (step for step in (0, 1_000, 10_000, 100_000, 1_000_000) if step <= events):
        while written < target:
            await append(journal, written // 2, BATCH)
            written += BATCH
        append_ms, commit_ms = await append(journal, written // 2, BATCH)
        written += BATCH
        size = path.stat().st_size / (written + 1)
        print(f"{target:>14,}{append_ms:>15.3f} ms{commit_ms:>15.3f} ms{size:>16,.0f}", flush=True)
    await journal.aclose()


async def long_run(url: str, calls: int) -> None:
    journal = open_journal(url)
    journal.append("run", RUN, "run")
    for first in range(0, calls, BATCH):
        await append(journal, first, 2 * BATCH)
    await journal.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    events: int = parser.parse_args().events
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "grown.db"
        asyncio.run(grow(f"sqlite:///{path}", path, events))
        url = f"sqlite:///{folder}/long.db"
        asyncio.run(long_run(url, 10_000))
        start_s = time.perf_counter()
        with open_reader(url) as reader:
            memory = recall(reader.events("run"), reader.texts, everything=True)
        took_s = time.perf_counter() - start_s
        known = sum(map(len, memory.responses.values()))
        print(f"a run of 10,000 calls, {known:,} responses, is read back in {took_s:.2f} s")


if __name__ == "__main__":
    main()
