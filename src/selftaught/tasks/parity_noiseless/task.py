"""Learning parity without noise.

Source: Zelikman et al. 2024, Self-Taught Optimizer (arXiv 2310.02304), one of the tasks to which
its improvers are transferred (tasks/parity_noiseless of its reference implementation). Otherwise
than there, there is always a true bit (with none, a constant answer is right), and predictions of
another shape than (20,) fail the program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import IntArray, require_labels

BITS = 10
TRUE_BIT_PROBABILITY = 0.3
TRAIN = 100
TEST = 20
INSTANCES = 20


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """Share of test samples whose parity is predicted rightly: mean over 20 instances.

    `algorithm(train_samples, train_parity, test_samples) -> predictions`. train_samples: (100, 10)
    int64 of 0 or 1. train_parity: (100,) of 0 or 1, the parity of a hidden subset of the bits,
    without noise. test_samples: (20, 10). predictions: (20,) of 0 or 1.
    """
    shares = []
    for problem in [parity_problem(rng) for _ in range(INSTANCES)]:
        output = program(
            problem.train_samples, problem.train_parity, problem.test_samples, cpu_s=0.5
        )
        predictions = require_labels(output, TEST, (0, 1), name="predictions")
        shares.append(float(np.mean(predictions == problem.test_parity)))
    return st.Measure(value=math.fsum(shares) / len(shares), per_instance=shares)


@dataclass(frozen=True, slots=True)
class ParityProblem:
    """train_samples (TRAIN, BITS), train_parity (TRAIN,), and the same of TEST; all int64."""

    train_samples: IntArray
    train_parity: IntArray
    test_samples: IntArray
    test_parity: IntArray


def parity_problem(rng: np.random.Generator) -> ParityProblem:
    """Samples, and the parity of a random subset of their bits that is not empty."""
    true_bits = np.zeros(BITS, dtype=np.int64)
    while not true_bits.any():
        true_bits = rng.binomial(1, TRUE_BIT_PROBABILITY, BITS)
    samples = rng.binomial(1, 0.5, (TRAIN + TEST, BITS))
    parity = samples @ true_bits % 2
    return ParityProblem(samples[:TRAIN], parity[:TRAIN], samples[TRAIN:], parity[TRAIN:])


TABLE_1 = "Zelikman et al. 2024 (arXiv 2310.02304), Table 1"

task = st.Task(
    name="parity_noiseless",
    seed=Path("seed.py"),
    utility=utility,
    range=(0.0, 1.0),
    best_known=1.0,
    source="Learning parity without noise: Zelikman et al. 2024 (STOP)",
    seed_score=(0.4, 0.6),
    references=(
        st.Reference(0.5, "seed program", TABLE_1),
        st.Reference(0.593, "seed improver, GPT-4", TABLE_1),
        st.Reference(0.817, "improved improver, GPT-4", TABLE_1),
    ),
)
