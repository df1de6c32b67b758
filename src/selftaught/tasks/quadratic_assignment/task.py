"""Quadratic assignment, modified: much flow over long distances, and a penalty for each place.

Source: Zelikman et al. 2024, Self-Taught Optimizer (arXiv 2310.02304), one of the tasks to which
its improvers are transferred (tasks/modified_quadratic_assignment of its reference
implementation). Otherwise than there, time adds nothing to the value (there the seconds that a
program takes are added), and a program that fails on one instance fails on all.

The seed program takes the objective for a cost, as that one does, and so it is below the mean of
all assignments, 7/30.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, IntArray, require_permutation

SIZE = 15
PENALTY_WEIGHT = 0.5
INSTANCES = 8


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """Objective of the assignment, to be maximised: mean over eight instances.

    `algorithm(flow, distance, penalty) -> assignment`, all three (15, 15) float64, uniform in
    [0, 1) and not symmetric. flow[i, j]: from facility i to facility j. distance[k, l]: from place
    k to place l. penalty[i, k]: of facility i at place k. assignment: (15,) ints, the place of each
    facility, each of 0 .. 14 once. Limit: 0.5 CPU seconds a call.
    """
    values = []
    for flow, distance, penalty in [rng.random((3, SIZE, SIZE)) for _ in range(INSTANCES)]:
        output = program(flow, distance, penalty, cpu_s=0.5)
        assignment = require_permutation(output, SIZE, name="assignment")
        values.append(objective(flow, distance, penalty, assignment))
    return st.Measure(value=math.fsum(values) / len(values), per_instance=values)


def objective(
    flow: FloatArray, distance: FloatArray, penalty: FloatArray, assignment: IntArray
) -> float:
    """Flow times distance less half the penalties, over SIZE squared.

    Each of the SIZE squared products is in [0, 1), and so is each of the SIZE penalties: the value
    is above -PENALTY_WEIGHT / SIZE and below 1.
    """
    transported = (flow * distance[np.ix_(assignment, assignment)]).sum()
    penalties = penalty[np.arange(SIZE), assignment].sum()
    return float(transported - PENALTY_WEIGHT * penalties) / SIZE**2


TABLE_1 = "Zelikman et al. 2024 (arXiv 2310.02304), Table 1"

task = st.Task(
    name="quadratic_assignment",
    seed=Path("seed.py"),
    utility=utility,
    range=(-PENALTY_WEIGHT / SIZE, 1.0),
    # Three deviations above the mean that long tabu searches reach, 0.274.
    best_known=0.29,
    source="Modified quadratic assignment: Zelikman et al. 2024 (STOP)",
    seed_score=(0.18, 0.23),
    references=(
        st.Reference(0.204, "seed program", TABLE_1),
        st.Reference(0.206, "seed improver, GPT-4", TABLE_1),
        st.Reference(0.221, "improved improver, GPT-4", TABLE_1),
    ),
)
