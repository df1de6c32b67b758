"""Which policy of acceptance comes to the better improver at the same cost?

STOP on the default tasks with local:mutator, with the same budget of samples for each policy: what
a policy spends on deciding it cannot spend on proposals. Runs are paired by seed, the seeds are
those of the frozen tree (see `recursion.py`), and what is compared is the final improver on test.
Each policy has a store in the folder: what is there is not made again, what was cut goes on.

    python benchmarks/policies.py [--repeats 20] [--commit HEAD] [--folder policies]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from recursion import ROOT, frozen_tree, seeds_of, written

from selftaught.app import core_thread
from selftaught.app.reproduce import run_or_go_on
from selftaught.core.progress import silent
from selftaught.core.statistics import estimate, paired_difference
from selftaught.studies.settings import make_config
from selftaught.studies.stop.study import RunConfig

POLICIES = ("strict", "certified")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=20, help="runs of each policy")
    parser.add_argument("--commit", default="HEAD", help="whose src the seeds derive from")
    parser.add_argument("--samples", type=int, default=8000, help="the budget of a run")
    parser.add_argument("--iterations", type=int, default=6, help="steps at most")
    parser.add_argument("--folder", type=Path, default=Path("policies"))
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    tree = frozen_tree(ROOT, options.commit)
    print(f"seeds of src at {options.commit}, tree {tree}")
    print(f"{'seed':>10}  " + "".join(f"{policy:<28}" for policy in POLICIES))
    found: dict[str, list[dict[str, Any]]] = {policy: [] for policy in POLICIES}
    for seed in seeds_of(tree, options.repeats):
        for policy, results in found.items():
            given = {
                **{"seed": seed, "accept": policy, "instance_key": "public"},
                **{"budget": {"samples": options.samples}, "iterations": options.iterations},
                "store": f"sqlite:///{options.folder.resolve() / policy}.db",
            }
            results.append(core_thread.run(run_or_go_on(make_config(RunConfig, given), silent)))
        both = "".join(f"{of_run(results[-1]):<28}" for results in found.values())
        print(f"{seed:>10}  {both}", flush=True)
    print("\nmeans over runs, 95 % intervals over runs (Student's t)")
    shown_of = ("final", "final - seed", "at equal samples")
    print(f"{'':<11}" + "".join(f"{name:<27}" for name in shown_of) + "adopted")
    finals = {policy: {"runs": finals_of(results)} for policy, results in found.items()}
    for policy, results in found.items():
        steps = [one for result in results for one in result["iterations"][1:]]
        adopted = sum(one["proposal"]["accepted"] for one in steps)
        over = [
            written(estimate({"runs": [one["mean"] for one in found_of(results, name)]}))
            for name in ("vs_seed", "vs_seed_restarted")
            if found_of(results, name)
        ]
        columns = "".join(f"{one:<27}" for one in (written(estimate(finals[policy])), *over))
        print(f"{policy:<11}{columns}{adopted} of {len(steps)}")
    first, other = POLICIES
    difference = written(paired_difference(finals[other], finals[first]))
    print(f"{other} - {first}, paired by seed: {difference}")
    return 0


def found_of(results: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """That comparison of the runs whose budget sufficed for it."""
    return [one for result in results if (one := result["comparison"][name]) is not None]


def finals_of(results: list[dict[str, Any]]) -> list[float]:
    return [result["comparison"]["final"]["mean"] for result in results]


def of_run(result: dict[str, Any]) -> str:
    proposals = [one["proposal"] for one in result["iterations"][1:]]
    adopted = sum(one["accepted"] for one in proposals)
    final = result["comparison"]["final"]["mean"]
    return f"{final:.4f}, {adopted} of {len(proposals)} adopted"


if __name__ == "__main__":
    sys.exit(main())
