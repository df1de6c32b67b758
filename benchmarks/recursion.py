"""Does the recursion improve? Independent STOP runs on the default tasks with local:mutator.

The run is the unit: each final improver is compared with the seed improver on test, paired, at the
same limits, and with the seed improver restarted to as many samples as the final one drew; the
claim is over runs. Nobody chooses the seeds: seed i is the start of the SHA-256 of `TREE/i`, where
TREE is git's hash of the folder src at a commit. Runs are kept in the store: what is there of the
same configuration is not made again, and what was cut goes on.

With --all-tasks the improver of the first run seed is then taken to every other task: what it
makes of the task's seed program, against the seed improver restarted to as many samples, paired.
Tasks that neither of them moves are said to be so: on them the model can show nothing.

    python benchmarks/recursion.py [--repeats 20] [--commit HEAD] [--figure docs/recursion.svg]
    python benchmarks/recursion.py --seeds 1 2 3 [--all-tasks]
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from selftaught.analysis.claims import (
    VERSUS,
    Claim,
    Differences,
    claims_of,
    run_differences,
    told_runs,
)
from selftaught.app import core_thread
from selftaught.app.compose import run_study
from selftaught.app.discovery import Installed
from selftaught.app.reproduce import run_or_go_on
from selftaught.core.progress import silent
from selftaught.core.statistics import Estimate, estimate
from selftaught.journal.codec import as_json
from selftaught.journal.reader import open_reader
from selftaught.pages.blocks import Page, Section
from selftaught.pages.terminal import as_text
from selftaught.studies.common_config import DEFAULT_TASKS
from selftaught.studies.settings import make_config
from selftaught.studies.stop.series_page import claims_table
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.transfer.origin import asked_of, find_origin

ROOT = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=20, help="runs, with seeds of the tree")
    parser.add_argument("--commit", default="HEAD", help="whose src the seeds derive from")
    parser.add_argument("--seeds", type=int, nargs="+", help="seeds by hand")
    parser.add_argument("--store", default="sqlite:///recursion.db")
    parser.add_argument("--figure", type=Path, metavar="FILE.svg", help="draw the runs there")
    parser.add_argument("--all-tasks", action="store_true", help="then transfer to all others")
    parser.add_argument("--transfer-runs", type=int, default=15, help="paired runs a task")
    options = parser.parse_args()
    seeds = options.seeds
    if seeds is None:
        tree = frozen_tree(ROOT, options.commit)
        seeds = seeds_of(tree, options.repeats)
        print(f"seeds of src at {options.commit}, tree {tree}")
        if (now := frozen_tree(ROOT, "HEAD")) != tree:
            print(f"what runs is another src, tree {now}")
    print(
        f"      seed  {'against the seed improver':<25} {'against it restarted':<25} samples   wall"
    )
    runs = []
    for seed in seeds:
        given = {"seed": seed, "store": options.store, "instance_key": "public"}
        result = core_thread.run(run_or_go_on(make_config(RunConfig, given), silent))
        runs.append(result["run_id"])
        both = "".join(f"{shown(result['comparison'][name]):<26}" for name in VERSUS)
        took = f"{result['usage']['samples']:>7} {result['wall_s']:>5.0f} s"
        print(f"{seed:>10}  {both}{took}", flush=True)
    with open_reader(options.store) as reader:
        told = [*told_runs(reader, runs)]
    claims = claims_of(told)
    said = {name: None if one is None else as_json(one) for name, one in claims.items()}
    table = claims_table(said, len(DEFAULT_TASKS))
    print(f"\n{as_text(Page('', (), (Section('claims', '', (table,)),)))}")
    if options.figure is not None:
        drawn = figure([run_differences(run) for run in told], claims)
        options.figure.write_text(drawn, encoding="utf-8")
    if options.all_tasks:
        on_all_tasks(options.store, runs[0], options.transfer_runs)
    return 0


def frozen_tree(repository: Path, commit: str) -> str:
    """Git's hash of src at a commit. Raises: SystemExit, of one line, if src has changes."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(repository), *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except FileNotFoundError:
            raise SystemExit("git is not installed: give --seeds") from None
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"{error.stderr.splitlines()[0]}: give --seeds") from None
        return done.stdout.strip()

    if git("status", "--porcelain", "--", "src"):
        raise SystemExit("src has uncommitted changes: commit them, or give --seeds")
    return git("rev-parse", "--verify", f"{commit}:src")


def seeds_of(tree: str, repeats: int) -> list[int]:
    """Those that follow from the hash of a tree."""
    digests = (hashlib.sha256(f"{tree}/{i}".encode()).hexdigest() for i in range(repeats))
    return [int(digest[:8], 16) % 2**31 for digest in digests]


def shown(difference: dict[str, Any] | None) -> str:
    """Mean and interval of a paired difference within a run."""
    if difference is None:
        return "not measured"
    lo, hi = difference["ci95"]
    return f"{difference['mean']:+.3f} [{lo:+.3f}, {hi:+.3f}]"


def written(found: Estimate) -> str:
    """Mean and interval over runs."""
    if found.ci95 is None:
        return f"{found.mean:+.4f}"
    return f"{found.mean:+.4f} [{found.ci95[0]:+.4f}, {found.ci95[1]:+.4f}]"


# --- the figure ---------------------------------------------------------------------------------

WIDTH, MARGIN, LINE, TOP = 330, 15, 9, 34
_SIDES = ("at the same limits", "at equal samples")


def figure(runs: Sequence[dict[str, Differences]], claims: dict[str, Claim | None]) -> str:
    """SVG: a line a run with its mean, sorted, and the interval over runs as a band."""
    panels = [
        (title, claim, sorted((run[name] for run in runs if name in run), key=lambda run: run.mean))
        for title, name in zip(_SIDES, VERSUS, strict=True)
        if (claim := claims[name]) is not None and claim.ci95 is not None
    ]
    within = {
        (i, j): estimate(run.values)
        for i, (*_, of) in enumerate(panels)
        for j, run in enumerate(of)
    }
    ends = [end for one in within.values() for end in one.ci95 or (one.mean,)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    bottom = TOP + LINE * max(len(of) for *_, of in panels)
    parts = []
    for i, (title, claim, of) in enumerate(panels):

        def x(value: float, left: int = i * WIDTH) -> str:
            share = (value - low) / (high - low)
            return f"{left + MARGIN + share * (WIDTH - 2 * MARGIN):.1f}"

        assert claim.ci95 is not None
        (begin, end), zero = map(x, claim.ci95), x(0)
        parts += [
            f'<text x="{i * WIDTH + MARGIN}" y="12">{title}: {claim.mean:+.3f} '
            f"[{claim.ci95[0]:+.3f}, {claim.ci95[1]:+.3f}]</text>",
            f'<path d="M{begin} {TOP - 8}H{end}V{bottom}H{begin}Z" fill="#9ecae1"/>',
            f'<path d="M{zero} {TOP - 8}V{bottom}" stroke="#888" stroke-dasharray="3"/>',
            f'<text x="{zero}" y="{bottom + 13}" text-anchor="middle">0</text>',
        ]
        for j, run in enumerate(of):
            y, (begin, end) = TOP + LINE * j, map(x, within[i, j].ci95 or (run.mean, run.mean))
            parts.append(f'<path d="M{begin} {y}H{end}" stroke="#555"/>')
            parts.append(f'<circle cx="{x(run.mean)}" cy="{y}" r="2.5"/>')
    size = f'viewBox="0 0 {WIDTH * len(panels)} {bottom + 20}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>"])


# --- transfer -----------------------------------------------------------------------------------


def on_all_tasks(store: str, run: str, n_runs: int) -> None:
    """The improver of the run on the tasks that took no part, at equal samples."""
    given = {"store": store, "runs": {"test": n_runs}, "instance_key": "public"}
    asked = asked_of(find_origin(store, run), given, Installed())
    result = core_thread.run(run_study(asked))
    print(f"\n{'task':<21} {'seed program':>12} {'restarted':>10} {'improved':>10}  difference")
    counts = {"higher": 0, "tie": 0, "lower": 0, "not moved": 0}
    for row in result["tasks"]:
        restarted, improved = row["seed_restarted"], row["improved_improver"]
        seed, difference = row["seed_program"]["mean"], row["vs_seed_restarted"]
        lo, hi = difference["ci95"]
        verdict = "higher" if lo > 0 else "lower" if hi < 0 else "tie"
        said = f"{shown(difference)} {verdict}"
        if all(one["ci95"][0] <= seed for one in (restarted, improved)):
            said = verdict = "not moved"
        counts[verdict] += 1
        means = f"{seed:>12.4g} {restarted['mean']:>10.4g} {improved['mean']:>10.4g}"
        print(f"{row['task']:<21} {means}  {said}")
    print(", ".join(f"{outcome}: {count}" for outcome, count in counts.items()))


if __name__ == "__main__":
    sys.exit(main())
