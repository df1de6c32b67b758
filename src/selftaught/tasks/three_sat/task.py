"""Satisfiable formulas with three literals a clause, and four clauses a variable.

Sources: Zelikman et al. 2024, Self-Taught Optimizer (arXiv 2310.02304), one of the tasks to which
its improvers are transferred (tasks/three_sat of its reference implementation, where the limit of
time is one of seconds by the clock). Clauses are drawn from those that a hidden assignment
satisfies, as there; so a literal holds in it with probability 4/7, which is a hint and no solution
(Barthel et al. 2002, Hiding solutions in random satisfiability problems).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import IntArray, require_labels

FORMULAS = 24
FEWEST_VARIABLES = 5
MOST_VARIABLES = 50
CLAUSES_PER_VARIABLE = 4


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """Share of 24 satisfiable formulas that are satisfied.

    `algorithm(variables, clauses) -> values`. variables: int, n, from 5 in the first formula to 50
    in the last. clauses: (4 n, 3) int64; k stands for variable k and -k for its negation, k in
    1 .. n, and a row is three different variables of which one literal at least must hold. values:
    (n,) ints, 1 for true and 0 for false, that of variable k at index k - 1.
    Limit: 0.1 CPU seconds a call. A formula for which that is not enough counts as not satisfied;
    if it is the first, smallest one, the program fails.
    """
    solved: list[float] = []
    for variables in np.linspace(FEWEST_VARIABLES, MOST_VARIABLES, FORMULAS).astype(int).tolist():
        clauses = satisfiable_formula(rng, variables)
        try:
            output = program(variables, clauses, cpu_s=0.1)
        except st.ProgramFailed as error:
            if error.failure.kind != "timeout" or not solved:
                raise
            solved.append(0.0)
        else:
            values = require_labels(output, variables, (0, 1), name="values")
            solved.append(float(is_satisfied(clauses, values)))
    return st.Measure(value=math.fsum(solved) / len(solved), per_instance=solved)


def satisfiable_formula(rng: np.random.Generator, variables: int) -> IntArray:
    """(4 n, 3) clauses, uniform among those that a random assignment of the variables satisfies."""
    hidden = rng.integers(0, 2, variables)
    count = CLAUSES_PER_VARIABLE * variables
    chosen = np.argsort(rng.random((count, variables)), axis=1)[:, :3]
    # Which of the three literals hold in the hidden assignment: any of the cases but none.
    holds = rng.integers(1, 8, (count, 1)) >> np.arange(3) & 1
    sign = np.where(hidden[chosen] == holds, 1, -1)
    return sign * (chosen + 1)


def is_satisfied(clauses: IntArray, values: IntArray) -> bool:
    """Whether one literal of each clause holds."""
    holds = (clauses > 0) == (values[np.abs(clauses) - 1] == 1)
    return bool(holds.any(axis=1).all())


TABLE_1 = "Zelikman et al. 2024 (arXiv 2310.02304), Table 1"

task = st.Task(
    name="three_sat",
    seed=Path("seed.py"),
    utility=utility,
    range=(0.0, 1.0),
    best_known=1.0,
    source="Random satisfiable 3SAT: Zelikman et al. 2024 (STOP)",
    seed_score=(0.05, 0.65),
    references=(
        st.Reference(0.0, "seed program", TABLE_1),
        st.Reference(0.212, "seed improver, GPT-4", TABLE_1),
        st.Reference(0.751, "improved improver, GPT-4", TABLE_1),
    ),
)
