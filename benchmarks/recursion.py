"""Does the recursion improve? STOP on the default tasks with local:mutator, for five run seeds.

For each run seed the final improver is compared with the seed improver on test, paired: at the same
limits, and with the seed improver restarted to as many samples as the final one drew. A run holds
if the 95 % interval of the first difference lies above 0. Exits with 1 if fewer than four hold.

    python benchmarks/recursion.py [--seeds 1 2 3 4 5]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import selftaught as st
from selftaught.app.config import DEFAULT_TASKS

NEEDED = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--iterations", type=int, default=4)
    options = parser.parse_args()
    print(f"seed  {'against the seed improver':<28} {'against it restarted':<28} samples   wall")
    held = 0
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
            comparison = result["comparison"]
            held += comparison["vs_seed"]["ci95"][0] > 0
            print(
                f"{seed:>4}  {shown(comparison['vs_seed']):<28} "
                f"{shown(comparison['vs_seed_restarted']):<28} "
                f"{result['usage']['samples']:>7} {result['wall_s']:>5.0f} s",
                flush=True,
            )
    print(f"better than the seed improver at the same limits: {held} of {len(options.seeds)}")
    return 0 if held >= NEEDED * len(options.seeds) else 1


def shown(difference: dict[str, object]) -> str:
    """Mean and interval of a paired difference, with what the interval says."""
    lo, hi = difference["ci95"]
    verdict = "better" if lo > 0 else "worse" if hi < 0 else "tie"
    return f"{difference['mean']:+.3f} [{lo:+.3f}, {hi:+.3f}] {verdict}"


if __name__ == "__main__":
    sys.exit(main())
