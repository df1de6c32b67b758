"""What does racing save, and what does it lose? `evolve` with it and without, at equal samples.

A bench (`selftaught bench`) of the two with local:mutator on the tasks in `raceable/`, paired by
seed: how many instances were scored, and in how many CPU seconds of the guests, and what the best
by search is worth on test. The seed is that of the frozen tree (see `recursion.py`). What is in
the folder is not made again, what was cut goes on.

    python benchmarks/racing.py [--seeds 20] [--samples 100] [--commit HEAD] [--folder racing]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from recursion import ROOT, frozen_tree, seeds_of, written

from selftaught.analysis.recorded_run import RecordedRun, latest, recorded
from selftaught.app import core_thread
from selftaught.app.compose import run_study
from selftaught.app.discovery import Installed
from selftaught.app.resume import find_run
from selftaught.app.series import resume_study
from selftaught.core.statistics import Estimate, paired_difference
from selftaught.journal.bench_events import BenchArm
from selftaught.journal.events import Evaluation
from selftaught.journal.race_events import Raced
from selftaught.journal.reader import open_reader
from selftaught.studies.bench.arms import programs_of, repeat_of, scored
from selftaught.studies.bench.study import study
from selftaught.studies.improvers import load_improver
from selftaught.studies.results import has_ended

TASKS = ("flow_shop", "local_cut")
RACING = ", against=self.best.source"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=20, help="sets of instances")
    parser.add_argument("--samples", type=int, default=100, help="that each search draws")
    parser.add_argument("--commit", default="HEAD", help="whose src the seed derives from")
    parser.add_argument("--folder", type=Path, default=Path("racing"))
    options = parser.parse_args()
    tree = frozen_tree(ROOT, options.commit)
    folder = options.folder.resolve()
    folder.mkdir(exist_ok=True)
    whole = folder / "whole.py"
    racing = load_improver("evolve").source
    assert RACING in racing
    whole.write_text(racing.replace(RACING, ""), encoding="utf-8")
    store = f"sqlite:///{folder}/{tree[:12]}-{options.seeds}x{options.samples}.db"
    given = {
        "tasks": [str(ROOT / "benchmarks" / "raceable" / f"{name}.py") for name in TASKS],
        "improvers": (str(whole), "evolve"),
        "samples": (options.samples,),
        **{"seeds": options.seeds, "seed": seeds_of(tree, 1)[0]},
        **{"store": store, "instance_key": "public"},
    }
    print(f"seed {given['seed']}, of src at {options.commit}, tree {tree}")
    run_or_go_on(given)
    with open_reader(store) as reader:
        (run_id,) = reader.runs()
        show(recorded(reader, run_id))
    return 0


def run_or_go_on(given: Mapping[str, object]) -> None:
    """The one run of the store."""
    store = str(given["store"])
    asked = study.asked(given, Installed())
    if not Path(store.removeprefix("sqlite:///")).exists():
        core_thread.run(run_study(asked))
        return
    stored = find_run(store, "latest")
    if not has_ended(stored.head):
        core_thread.run(resume_study(stored, asked.tasks))


@dataclass(frozen=True)
class Took:
    """What a search took, and came to. Of a program that failed one instance is counted."""

    programs: int
    stopped: int
    instances: int
    cpu_s: float
    best: float

    @classmethod
    def of(cls, run: RecordedRun, arm: BenchArm, races: Sequence[Raced]) -> Took:
        found = [scored(run, arm, "search", one) for one in programs_of(run, arm)]
        whole = [one for one in found if one is not None]
        everything: list[Evaluation | Raced] = [*whole, *races]
        test = arm.points[-1].test
        return cls(
            len(everything),
            len(races),
            sum(len(one.per_instance) or 1 for one in everything),
            math.fsum(one.cpu_s for one in everything),
            0.0 if test is None else test,
        )


def show(run: RecordedRun) -> None:
    arms = latest(run.events, BenchArm).values()
    lost = [one for one in latest(run.events, Raced).values() if one.value is not None]
    first = run.head.config["improvers"][0]
    took: dict[str, tuple[list[Took], list[Took]]] = {}
    for arm in sorted(arms, key=lambda arm: arm.index):
        of_task = took.setdefault(arm.task, ([], []))
        is_raced = run.text(arm.improver) != run.head.config["programs"][first]
        own = [one for one in lost if (one.task, one.repeat) == (arm.task, repeat_of(arm.index))]
        of_task[is_raced].append(Took.of(run, arm, own if is_raced else ()))
    print(f"{'task':<16} {'scored':>15} {'instances':>15} {'CPU s':>13}  best on test, difference")
    for task, both in took.items():
        sums = [
            " / ".join(f"{sum(map(what, side)) / len(side):.{digits}f}" for side in both)
            for what, digits in COLUMNS
        ]
        best = written(difference({task: both}))
        print(f"{task:<16} {sums[0]:>15} {sums[1]:>15} {sums[2]:>13}  {best}")
        stopped = sum(one.stopped for one in both[1]) / sum(one.programs for one in both[1])
        saved = [1 - sum(map(what, both[1])) / sum(map(what, both[0])) for what, _ in COLUMNS[1:]]
        print(f"  stopped {stopped:.0%}; saved {saved[0]:.0%} of instances, {saved[1]:.0%} of CPU")
    print(f"all tasks: best on test, with racing - without: {written(difference(took))}")
    print("means a search, without racing / with it; 95 % intervals over seeds (Student's t)")


Column = Callable[[Took], float]
COLUMNS: tuple[tuple[Column, int], ...] = (
    (lambda took: took.programs, 1),
    (lambda took: took.instances, 0),
    (lambda took: took.cpu_s, 2),
)


def difference(took: Mapping[str, tuple[Sequence[Took], Sequence[Took]]]) -> Estimate:
    without, raced = (
        {task: [one.best for one in both[side]] for task, both in took.items()} for side in (0, 1)
    )
    return paired_difference(raced, without)


if __name__ == "__main__":
    sys.exit(main())
