"""Does the recursion improve? STOP on the default tasks with local:mutator, for five run seeds.

For each run seed the final improver is compared with the seed improver on test, paired: at the same
limits, and with the seed improver restarted to as many samples as the final one drew. A run holds
if the 95 % interval of the first difference lies above 0. Exits with 1 if fewer than four hold.

With --all-tasks the improver of the first run seed is then taken to every other task: what it
makes of the task's seed program, against the seed improver restarted to as many samples, paired.
Tasks that neither of them moves are said to be so: on them the model can show nothing.

    python benchmarks/recursion.py [--seeds 1 2 3 4 5] [--all-tasks]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import selftaught as st
from selftaught.app import core_thread
from selftaught.app.compose import run_study
from selftaught.app.discovery import Installed
from selftaught.studies.common_config import DEFAULT_TASKS
from selftaught.studies.transfer.origin import asked_of, find_origin

NEEDED = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--all-tasks", action="store_true", help="then transfer to all others")
    parser.add_argument("--transfer-runs", type=int, default=15, help="paired runs a task")
    options = parser.parse_args()
    print(f"seed  {'against the seed improver':<28} {'against it restarted':<28} samples   wall")
    held, runs = 0, []
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{Path(folder) / 'recursion.db'}"
        for seed in options.seeds:
            result = st.self_improve(
                DEFAULT_TASKS,
                iterations=options.iterations,
                seed=seed,
                store=store,
                instance_key="public",
            ).data
            runs.append(result["run_id"])
            comparison = result["comparison"]
            held += comparison["vs_seed"]["ci95"][0] > 0
            print(
                f"{seed:>4}  {shown(comparison['vs_seed']):<28} "
                f"{shown(comparison['vs_seed_restarted']):<28} "
                f"{result['usage']['samples']:>7} {result['wall_s']:>5.0f} s",
                flush=True,
            )
        print(f"above the seed improver at the same limits: {held} of {len(options.seeds)}")
        if options.all_tasks:
            on_all_tasks(store, runs[0], options.transfer_runs)
    return 0 if held >= NEEDED * len(options.seeds) else 1


def on_all_tasks(store: str, run: str, n_runs: int) -> None:
    """The improver of the run on the tasks that took no part, at equal samples."""
    given = {"store": store, "runs": {"test": n_runs}, "instance_key": "public"}
    asked = asked_of(find_origin(store, run), given, Installed())
    result = core_thread.run(run_study(asked))
    print(f"\n{'task':<21} {'seed program':>12} {'restarted':>10} {'improved':>10}  difference")
    counts = {"higher": 0, "tie": 0, "lower": 0, "not moved": 0}
    for row in result["tasks"]:
        restarted, improved = row["seed_restarted"], row["improved_improver"]
        seed = row["seed_program"]["mean"]
        said = shown(row["vs_seed_restarted"])
        if all(one["ci95"][0] <= seed for one in (restarted, improved)):
            said = "not moved"
        counts[said.split("] ")[-1]] += 1
        means = f"{seed:>12.4g} {restarted['mean']:>10.4g} {improved['mean']:>10.4g}"
        print(f"{row['task']:<21} {means}  {said}")
    print(", ".join(f"{outcome}: {count}" for outcome, count in counts.items()))


def shown(difference: dict[str, Any]) -> str:
    """Mean and interval of a paired difference, with what the interval says."""
    lo, hi = difference["ci95"]
    verdict = "higher" if lo > 0 else "lower" if hi < 0 else "tie"
    return f"{difference['mean']:+.3f} [{lo:+.3f}, {hi:+.3f}] {verdict}"


if __name__ == "__main__":
    sys.exit(main())
