"""The journal: what an event costs to append, and how soon a long run goes on.

1. Appends of events as a run writes them (a model call with a prompt and a response), 1,000 at a
   time, to stores of growing size: the median time of one append, and of one event through to the
   commit, without waiting for the disk.
2. Bytes an event takes in the store.
3. Reading back what a run of 10,000 model calls has done, as `selftaught resume` does.
4. With `--beside`, the same of SQLite and of an empty database of a PostgreSQL server, in turns:
   events committed a second, one event through to the disk, and 3.

    python benchmarks/journal.py [--events 1000000] [--beside postgresql+psycopg://user@host/empty]
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


async def append(
    journal: SqlJournal, first: int, count: int, run_id: str = "run"
) -> tuple[float, float]:
    """Median milliseconds of one append, and milliseconds an event until all are committed."""
    times = []
    start_s = time.perf_counter()
    for number in range(first, first + count // 2):
        for body, key, texts in (call(number), answer(number)):
            before_s = time.perf_counter()
            journal.append(run_id, body, key, texts)
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


async def long_run(url: str, calls: int, run_id: str = "run") -> float:
    """Milliseconds an event until all are committed."""
    journal = open_journal(url)
    journal.append(run_id, RUN, run_id)
    start_s = time.perf_counter()
    for first in range(0, calls, BATCH):
        await append(journal, first, 2 * BATCH, run_id)
    took_s = time.perf_counter() - start_s
    await journal.aclose()
    return 1000 * took_s / (2 * calls)


async def durable(url: str, count: int, run_id: str) -> float:
    """Milliseconds from an event to its being on the disk, the median."""
    journal, times = open_journal(url), []
    for number in range(count):
        body, key, texts = answer(number)
        start_s = time.perf_counter()
        journal.append(run_id, body, key, texts)
        await journal.flush(durable=True)
        times.append(time.perf_counter() - start_s)
    await journal.aclose()
    return 1000 * statistics.median(times)


def read_back(url: str, run_id: str = "run") -> tuple[float, int]:
    """Seconds, and responses."""
    start_s = time.perf_counter()
    with open_reader(url) as reader:
        memory = recall(reader.events(run_id), reader.texts, everything=True)
    return time.perf_counter() - start_s, sum(map(len, memory.responses.values()))


def beside(urls: dict[str, str], rounds: int = 3, calls: int = 10_000) -> None:
    print(f"{'':<12}{'events a second':>17}{'to the disk':>15}{'10,000 calls back':>19}")
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in urls}
    for number in range(rounds):
        for name, url in urls.items():
            event_ms = asyncio.run(long_run(url, calls, f"long{number}"))
            disk_ms = asyncio.run(durable(url, 200, f"durable{number}"))
            found[name].append((1000 / event_ms, disk_ms, read_back(url, f"long{number}")[0]))
    for name, rows in found.items():
        rate, disk_ms, back_s = map(statistics.median, zip(*rows, strict=True))
        print(f"{name:<12}{rate:>17,.0f}{disk_ms:>12.2f} ms{back_s:>17.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--beside", metavar="URL", help="an empty database of a server")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.beside:
            beside({"SQLite": f"sqlite:///{folder}/beside.db", "PostgreSQL": options.beside})
            return
        path = Path(folder) / "grown.db"
        asyncio.run(grow(f"sqlite:///{path}", path, options.events))
        url = f"sqlite:///{folder}/long.db"
        asyncio.run(long_run(url, 10_000))
        took_s, known = read_back(url)
        print(f"a run of 10,000 calls, {known:,} responses, is read back in {took_s:.2f} s")


if __name__ == "__main__":
    main()
