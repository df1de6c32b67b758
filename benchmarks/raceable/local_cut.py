"""Max-cut as `tasks.local_cut` has it, on more instances, by `st.per_instance`."""

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, require_array
from selftaught.tasks.local_cut.task import NODES, cut_share, graph

INSTANCES = 32


def instances(rng: np.random.Generator) -> list[FloatArray]:
    return [graph(rng) for _ in range(INSTANCES)]


def score(program: st.SandboxedProgram, weights: FloatArray) -> float:
    """Weight of the cut over the weight of all edges: mean over 32 graphs.

    `algorithm(weights) -> leaning`. weights: (30, 30) float64, symmetric, >= 0, 0 where there is
    no edge. leaning: (30,) finite numbers; the nodes above 0 are on one side, the rest on the
    other.
    """
    leaning = require_array(program(weights, cpu_s=0.1), (NODES,), name="leaning")
    return cut_share(weights, leaning > 0)


task = st.Task(
    name="raced_local_cut",
    seed=st.load_task("local_cut").seed_program().source,
    utility=st.per_instance(instances, score),
    range=(0.0, 1.0),
)
