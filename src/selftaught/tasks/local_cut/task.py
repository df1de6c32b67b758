"""Max-Cut: put the nodes of a graph on two sides, so that much weight runs between them.

Source: Max-Cut is one of Karp's problems (1972); the seed's rule follows the mean-field equations
of an antiferromagnet (Peterson and Anderson 1988, Neural networks and NP-complete optimization
problems).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import BoolArray, FloatArray, require_array

NODES = 30
INSTANCES = 12
EDGE_WITHIN = 0.03
EDGE_BETWEEN = 0.2


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """Weight of the cut over the weight of all edges: mean over 12 graphs.

    `algorithm(weights) -> leaning`. weights: (30, 30) float64, symmetric, >= 0, 0 where there is
    no edge. leaning: (30,) finite numbers; the nodes above 0 are on one side, the rest on the
    other.
    """
    shares = []
    for weights in [graph(rng) for _ in range(INSTANCES)]:
        leaning = require_array(program(weights, cpu_s=0.1), (NODES,), name="leaning")
        shares.append(cut_share(weights, leaning > 0))
    return st.Measure(value=math.fsum(shares) / len(shares), per_instance=shares)


def graph(rng: np.random.Generator) -> FloatArray:
    """(NODES, NODES) weights; a hidden halving has more edges between its sides than within."""
    half = rng.permutation(NODES) % 2
    probability = np.where(half[:, None] == half, EDGE_WITHIN, EDGE_BETWEEN)
    edges = np.triu(rng.random((NODES, NODES)) < probability, k=1)
    edges[0, 1] = True  # never a graph without weight
    weights = np.where(edges, rng.uniform(0.5, 1.5, (NODES, NODES)), 0.0)
    return weights + weights.T


def cut_share(weights: FloatArray, side: BoolArray) -> float:
    """Weight between the sides over all weight, in [0, 1]."""
    between = side[:, None] != side
    return float(weights[between].sum() / weights.sum())


task = st.Task(
    name="local_cut",
    seed=Path("seed.py"),
    utility=utility,
    range=(0.0, 1.0),
    source="Max-cut by mean-field equations: Peterson and Anderson 1988",
    seed_score=(0.5, 0.65),
)
