"""Permutation flow shop: order the jobs so that the last one is done early.

Sources: an index rule sorts the jobs by a weighted sum of their times, as in Palmer 1965,
Sequencing jobs through a multi-stage process in the minimum total time; the machine-based lower
bound is the one that Taillard 1993 (Benchmarks for basic scheduling problems) gives.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, IntArray, require_permutation

JOBS = 20
MACHINES = 5
INSTANCES = 8


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """Lower bound of the makespan over the makespan: mean over eight instances.

    `algorithm(times) -> order`. times: (20, 5) float64 > 0, the time of each job on each machine.
    Every job visits machines 0 .. 4 in turn, and every machine takes the jobs in the same order.
    order: (20,) ints, each job once, the first job first.
    """
    shares = []
    for times in [job_times(rng) for _ in range(INSTANCES)]:
        order = require_permutation(program(times, cpu_s=0.1), JOBS, name="order")
        shares.append(min(1.0, lower_bound(times) / makespan(times, order)))
    return st.Measure(value=math.fsum(shares) / len(shares), per_instance=shares)


def job_times(rng: np.random.Generator) -> FloatArray:
    """(JOBS, MACHINES) lognormal times; some jobs tend to get longer from machine to machine,
    others shorter."""
    trend = rng.uniform(-0.5, 0.5, (JOBS, 1)) * (np.arange(MACHINES) - (MACHINES - 1) / 2)
    return 10.0 * np.exp(trend + rng.normal(0.0, 1.0, (JOBS, MACHINES)))


def makespan(times: FloatArray, order: IntArray) -> float:
    """When the last machine is done with the last job, if nothing waits without need."""
    free_at = [0.0] * MACHINES
    for job_time in times[order].tolist():
        done = 0.0
        for machine, time in enumerate(job_time):
            done = max(done, free_at[machine]) + time
            free_at[machine] = done
    return free_at[-1]


def lower_bound(times: FloatArray) -> float:
    """The longest job, or the busiest machine with its shortest way in and its shortest way out."""
    until = np.cumsum(times, axis=1)
    before, after = until - times, until[:, -1:] - until
    busy = times.sum(axis=0) + before.min(axis=0) + after.min(axis=0)
    return float(max(until[:, -1].max(), busy.max()))


task = st.Task(
    name="flow_shop",
    seed=Path("seed.py"),
    utility=utility,
    range=(0.0, 1.0),
    source="Permutation flow shop: Palmer 1965, Taillard 1993",
    seed_score=(0.55, 0.82),
)
