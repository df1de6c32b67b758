"""The engines: each in an environment of its own, each started as its users start it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from host import Host, facts, hosted, until_done
from proposer import marked, normal

from selftaught.core.concurrency import together
from selftaught.core.task import Task
from selftaught.journal.events import Evaluation
from selftaught.journal.reader import open_reader
from selftaught.studies.improve.finalists import SEARCHED

HERE = Path(__file__).parent
OURS = "evolve"
PEERS = ("openevolve", "shinka", "gepa")
SHOWN = {"openevolve": "OpenEvolve", "shinka": "ShinkaEvolve", "gepa": "GEPA", OURS: OURS}
# Looks for what has ended once a second, and uses a tenth of a core.
WAITING = ("shinka",)
# What an engine may do after its last sample, before that counts as its end.
PATIENCE_S = 15.0
MOST_S = 1800.0
# Programs that build one thing, the same each time; the others have to do well on many instances.
CONSTRUCTIONS = ("circle_packing", "autocorrelation", "heilbronn_triangle")


def environment(folder: Path, engine: str) -> Path:
    """The Python of an engine's environment, which is made anew if its pinned file changed."""
    if engine == OURS:
        return Path(sys.executable)
    pinned = HERE / f"requirements-{engine}.txt"
    made = folder / f"env-{engine}"
    ready = made / f"ready-{hashlib.sha256(pinned.read_bytes()).hexdigest()[:12]}"
    python = made / "bin" / "python"
    if not ready.exists():
        print(f"making the environment of {SHOWN[engine]}", flush=True)
        shutil.rmtree(made, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(made)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "--requirement", str(pinned)], check=True)
        ready.touch()
    return python


async def measured(
    engine: str, python: Path, task: Task, seed: int, samples: int, log: Path
) -> dict[str, Any]:
    """An arm: what an engine finds with so many samples, and what it took."""
    with TemporaryDirectory(prefix="peers-") as name:
        folder = Path(name)
        async with hosted(task, seed, samples) as (host, url):
            begun = time.monotonic()
            with log.open("w") as out:
                process = await started(engine, python, host, url, folder, out)
                ended = "time is up"
                try:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(MOST_S):
                            ended = await until_done(host, process, PATIENCE_S)
                finally:
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
            if engine == OURS:
                read_journal(host, f"sqlite:///{folder}/run.db")
            seconds = time.monotonic() - begun
            points, edited, best = await best_so_far(host)
    return {
        "engine": engine,
        "task": task.name,
        "seed": seed,
        **facts(host),
        "edited": edited,
        "seconds": round(seconds, 1),
        "ended": ended,
        "points": points,
        "best": best,
    }


async def started(
    engine: str, python: Path, host: Host, url: str, folder: Path, out: Any
) -> asyncio.subprocess.Process:
    task = host.task
    if engine == OURS:
        command = [*ours(host, url, folder)]
    else:
        source = task.seed_program().source.strip("\n")
        asked = {
            "url": url,
            "folder": str(folder),
            "seed": host.seed,
            "samples": host.most,
            "constructs": task.name in CONSTRUCTIONS,
            "program": source,
            "marked": f"{marked(source)}\n",
            "description": (
                "You write fast and correct Python, and you know the literature on algorithms. "
                "Programs are scored by this utility, and higher is better:\n"
                f"```python\n{task.described()}\n```"
            ),
        }
        (folder / "asked.json").write_text(json.dumps(asked))
        driver = HERE / "drivers" / f"{engine}_run.py"
        command = [str(python), str(driver), str(folder / "asked.json")]
    return await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "guarded.py"), *command),
        cwd=folder,
        env=surroundings(python, folder, url),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=out,
        stderr=out,
        start_new_session=True,
    )


def surroundings(python: Path, folder: Path, url: str) -> Mapping[str, str]:
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    own = {"HOME": str(folder), "PATH": path, "PEERS_URL": url, "OPENAI_API_KEY": "none"}
    return {**kept, **own}


def ours(host: Host, url: str, folder: Path) -> list[str]:
    """`selftaught improve`, with the run's budget as the limits of its one improver run."""
    return [
        *(sys.executable, "-m", "selftaught", "improve", host.task.name),
        *("--improver", OURS, "--model", "openai:mutator", "--base-url", f"{url}/v1"),
        *("--samples", str(host.most), "--seed", str(host.seed), "--instance-key", "public"),
        *("--calls", str(host.most), "--utility-uses", str(host.most + 1), "--cpu-s", "600"),
        *("--confirm", "1", "--test-repeats", "2", "--store", f"sqlite:///{folder}/run.db"),
    ]


def read_journal(host: Host, store: str) -> None:
    """What our own engine had scored, by its own evaluator, which is the host's."""
    with open_reader(store) as reader:
        (run_id,) = reader.runs()
        for event in reader.events(run_id):
            one = event.body
            if isinstance(one, Evaluation) and (one.stream, one.repeat) == ("search", SEARCHED):
                text = reader.text(one.program)
                assert text is not None
                worth = host.task.lowest if one.value is None else host.task.worth(one.value)
                host.scored.append((text, worth))


async def best_so_far(host: Host) -> tuple[list[dict[str, Any]], int, str]:
    """The points from which on a program is the best by search, with what each is worth on test;
    how many programs were scored that no sample held; and the last of the best.

    A program counts from the sample on that held it first, whenever it was scored.
    """
    since: dict[str, int] = {}
    for at, program in enumerate(host.programs, start=1):
        if program is not None:
            since.setdefault(program, at)
    source = host.task.seed_program().source
    known = {normal(source)}
    found: list[tuple[int, int, str, float]] = []
    edited, best = 0, host.task.lowest
    for scorings, (text, worth) in enumerate(host.scored, start=1):
        program = normal(text)
        if program == normal(source):
            best = worth
        if program in known:
            continue
        known.add(program)
        if program in since:
            found.append((since[program], scorings, text, worth))
        else:
            edited += 1
    bests = [(0, 0, source, best)]
    for one in sorted(found):
        if one[3] > bests[-1][3]:
            bests.append(one)
    tests = await together(host.outcome(text, "test", SEARCHED) for *_, text, _ in bests)
    points = [
        {"samples": at, "scorings": scorings, "search": search, "test": host.worth(test)}
        for (at, scorings, _, search), test in zip(bests, tests, strict=True)
    ]
    return points, edited, bests[-1][2]
