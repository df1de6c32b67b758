"""Flow shop as `tasks.flow_shop` has it, on more instances, by `st.per_instance`."""

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, require_permutation
from selftaught.tasks.flow_shop.task import JOBS, job_times, lower_bound, makespan

INSTANCES = 32


def instances(rng: np.random.Generator) -> list[FloatArray]:
    return [job_times(rng) for _ in range(INSTANCES)]


def score(program: st.SandboxedProgram, times: FloatArray) -> float:
    """Lower bound of the makespan over the makespan: mean over 32 instances.

    `algorithm(times) -> order`. times: (20, 5) float64 > 0, the time of each job on each machine.
    Every job visits machines 0 .. 4 in turn, and every machine takes the jobs in the same order.
    order: (20,) ints, each job once, the first job first.
    """
    order = require_permutation(program(times, cpu_s=0.1), JOBS, name="order")
    return min(1.0, lower_bound(times) / makespan(times, order))


task = st.Task(
    name="raced_flow_shop",
    seed=st.load_task("flow_shop").seed_program().source,
    utility=st.per_instance(instances, score),
    range=(0.0, 1.0),
)
