"""`evolve` beside OpenEvolve, ShinkaEvolve and GEPA, at equal samples of the same proposer.

Each engine runs in an environment of its own, as its users run it; the model it asks and the
evaluator it scores with are ours (host.py), and count. On a task and a seed all search on the same
instances, and the best so far by each engine's own search score is judged on the same others. Seeds
derive from git's hash of the folder src, as in benchmarks/recursion.py. Each arm leaves a file:
what is there is not made again, so that a comparison goes on after a kill.

    python benchmarks/peers/compare.py [--tasks flow_shop ...] [--seeds 20] [--hours 2]
        [--figure docs/peers.svg]

All seven tasks and 20 seeds take some two hours on two idle cores, the environments once five
minutes. An engine that broke down is named with its exit code, its arm has a log and no file; the
same command tries it again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from engines import OURS, PEERS, SHOWN, WAITING, environment, measured
from host import WELL

from selftaught.app import core_thread
from selftaught.app.discovery import load_task
from selftaught.app.resume import told_tasks
from selftaught.core.concurrency import together
from selftaught.core.statistics import UNIT, Bounds
from selftaught.core.task import VERSION_SCHEME, Task
from selftaught.journal.bench_events import BenchArm, BenchPoint
from selftaught.pages.blocks import Block, Page, Paragraph, Section, Table
from selftaught.pages.figures import drawn_figures
from selftaught.pages.terminal import as_text
from selftaught.studies.bench.page import bench_section
from selftaught.studies.bench.results import TaskArms, compared

sys.path.append(str(Path(__file__).parents[1]))
from recursion import frozen_tree, seeds_of

ROOT = Path(__file__).parents[2]
TASKS = (
    *("flow_shop", "local_cut", "circle_packing"),  # on which all was tried
    *("descent", "autocorrelation", "heilbronn_triangle", "quadratic_assignment"),  # looked at once
)
LEAST_SHARE = 0.95  # of an engine's samples that must have been evaluated
Arm = Mapping[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS, metavar="TASK")
    parser.add_argument("--engines", nargs="+", choices=PEERS, default=PEERS, metavar="ENGINE")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=20, help="that follow from the tree of src")
    parser.add_argument("--by-hand", type=int, nargs="+", metavar="SEED", help="to try something")
    parser.add_argument(
        "--at-once", type=int, default=2, help="arms; four times as many where they mostly wait"
    )
    parser.add_argument("--hours", type=float, help="begin no further arm after so long")
    parser.add_argument("--folder", type=Path, default=ROOT / ".peers", help="keeps everything")
    parser.add_argument("--figure", type=Path, metavar="FILE.svg", help="draw the curves there")
    options = parser.parse_args()
    tree = frozen_tree(ROOT, "HEAD") if options.by_hand is None else "by-hand"
    seeds = options.by_hand or seeds_of(tree, options.seeds)
    kept = options.folder / tree / f"{options.samples}-samples"
    kept.mkdir(parents=True, exist_ok=True)
    engines = (OURS, *options.engines)
    tasks = [load_task(name) for name in options.tasks]
    pythons = {engine: environment(options.folder.absolute(), engine) for engine in engines}
    missing = [
        (engine, task, seed)
        for seed in seeds
        for task in tasks
        for engine in engines
        if not place_of(kept, engine, task, seed).exists()
    ]
    until = math.inf if options.hours is None else time.monotonic() + 3600 * options.hours
    places = asyncio.Semaphore(options.at_once)
    patient = asyncio.Semaphore(4 * options.at_once)

    async def measure(engine: str, task: Task, seed: int) -> None:
        place = place_of(kept, engine, task, seed)
        async with patient if engine in WAITING else places:
            if time.monotonic() < until:
                log = place.with_suffix(".log")
                arm = await measured(engine, pythons[engine], task, seed, options.samples, log)
                keep(place, arm)

    core_thread.run(together(measure(*arm) for arm in missing))
    show(tasks, engines, seeds, options.samples, kept, options.figure)
    return 0


def place_of(kept: Path, engine: str, task: Task, seed: int) -> Path:
    return kept / f"{task.name}-{seed}-{engine}.json"


def keep(place: Path, arm: Arm) -> None:
    """Whole or not at all; and not that of an engine that broke down, which is tried again."""
    if arm["ended"] == WELL:
        partial = place.with_suffix(".partial")
        partial.write_text(json.dumps(arm, indent=1))
        partial.rename(place)
    took = f"{arm['samples']:>5} samples {share([arm]):>6.1%} evaluated {arm['seconds']:>6.0f} s"
    print(
        f"{arm['task']:<21} {arm['seed']:>10} {SHOWN[arm['engine']]:<13}"
        f"{arm['points'][-1]['test']:>9.4f} {took}  {arm['ended']}",
        flush=True,
    )


def show(
    tasks: Sequence[Task],
    engines: Sequence[str],
    seeds: Sequence[int],
    samples: int,
    kept: Path,
    figure: Path | None,
) -> None:
    """The tables, of the seeds on which all engines were measured on all tasks."""
    arms = {
        (task.name, seed, engine): json.loads(place.read_text())
        for task in tasks
        for seed in seeds
        for engine in engines
        if (place := place_of(kept, engine, task, seed)).exists()
    }
    whole = [
        seed
        for seed in seeds
        if all((task.name, seed, engine) in arms for task in tasks for engine in engines)
    ]
    if not whole:
        print("no seed is measured with all engines on all tasks yet")
        return
    taken = {
        engine: [arms[task.name, seed, engine] for task in tasks for seed in whole]
        for engine in engines
    }
    told = told_tasks(tasks, VERSION_SCHEME)
    of_tasks = [
        TaskArms(
            version,
            {
                SHOWN[engine]: [bench_arm(task, arms[task.name, s, engine], whole) for s in whole]
                for engine in engines
            },
            samples,
            Bounds(float(task.range[0]), float(task.range[1])),
        )
        for task, version in zip(tasks, told, strict=True)
    ]
    names = [SHOWN[engine] for engine in engines]
    counts = sorted({max(1, samples // 4), max(1, samples // 2), samples})
    result = {
        "samples": counts,
        "seeds": len(whole),
        "seeds_asked": len(seeds),
        "improvers": [{"name": name} for name in names],
        **compared(of_tasks, names, counts, UNIT),
    }
    blocks = (*verdict(taken), took(taken))
    page = Page("", (), (Section("taken", "", blocks), bench_section([result])))
    print(f"\n{as_text(page)}")
    (kept / "result.json").write_text(json.dumps(result, indent=1))
    if figure is not None:
        (drawn,) = drawn_figures(page).values()
        figure.write_text(drawn.svg, encoding="utf-8")


def bench_arm(task: Task, arm: Arm, seeds: Sequence[int]) -> BenchArm:
    """As those of a bench, which are compared likewise."""
    return BenchArm(
        task=task.name,
        improver=arm["engine"],
        index=seeds.index(arm["seed"]),
        runs=(),
        samples=arm["samples"],
        scorings=arm["scorings"],
        usd=None,
        edited=arm["edited"],
        points=tuple(
            BenchPoint(
                samples=one["samples"],
                scorings=one["scorings"],
                usd=None,
                program="",
                search=task.worth(one["search"]),
                test=task.worth(one["test"]),
            )
            for one in arm["points"]
        ),
        bounds=task.scale.ends,
    )


def verdict(taken: Mapping[str, Sequence[Arm]]) -> Iterator[Block]:
    for engine, arms in taken.items():
        if share(arms) < LEAST_SHARE:
            yield Paragraph(
                f"VOID: of the samples of {SHOWN[engine]} only {share(arms):.1%} were evaluated.",
                is_alarm=True,
            )


def share(arms: Sequence[Arm]) -> float:
    evaluated, drawn = (sum(int(arm[what]) for arm in arms) for what in ("evaluated", "samples"))
    return evaluated / max(1, drawn)


def took(taken: Mapping[str, Sequence[Arm]]) -> Table:
    rows = tuple(
        (
            SHOWN[engine],
            *(f"{fmean(arm[what] for arm in arms):,.1f}" for what in ("samples", "scorings")),
            f"{share(arms):.1%}",
            *(f"{sum(arm[what] for arm in arms):,}" for what in ("edited", "unread")),
            f"{fmean(arm['seconds'] for arm in arms):,.0f}",
        )
        for engine, arms in taken.items()
    )
    headings = ("engine", "samples", "scorings", "evaluated", "edited", "unread", "seconds")
    note = (
        "Samples, scorings, seconds: means an arm. Evaluated: share of samples whose program was "
        "scored. Edited: programs scored that no sample held. Unread: prompts in which no program "
        "to change was found."
    )
    return Table("What the engines took", headings, rows, note, counts=True)


if __name__ == "__main__":
    sys.exit(main())
