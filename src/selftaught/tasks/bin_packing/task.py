"""Online bin packing with Weibull item sizes: evolve the priority function.

Source: Romera-Paredes et al. 2023, Mathematical discoveries from program search with large
language models (FunSearch), Nature 625; the sizes follow Castineiras et al. 2012.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, IntArray, require_array

CAPACITY = 100
ITEMS = 100
INSTANCES = 3


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """Bins that no packing can do without, over bins used: mean over three instances.

    `algorithm(item, bins) -> scores` is called once an item, and never sees the items to come.
    item: its size, an int in 1 .. 100. bins: (n_bins,) float64, the capacity that is left in each
    bin that can hold the item, oldest bin first; the last one is a new, empty bin. scores:
    (n_bins,) finite numbers; the item goes into the bin of the highest score (the first such).
    """
    shares = [share_of_bins_needed(program, item_sizes(rng)) for _ in range(INSTANCES)]
    return st.Measure(value=math.fsum(shares) / len(shares), per_instance=shares)


def item_sizes(rng: np.random.Generator) -> IntArray:
    """(ITEMS,) sizes: Weibull of shape 3 and scale 45, clipped to 1 .. 100 and rounded."""
    return np.rint(np.clip(45.0 * rng.weibull(3.0, ITEMS), 1, CAPACITY)).astype(np.int64)


def share_of_bins_needed(program: st.SandboxedProgram, sizes: IntArray) -> float:
    """Pack the items in order; the bound L1 = ceil(sum / capacity) over the bins used."""
    left: FloatArray = np.full(len(sizes), float(CAPACITY))
    used = 0
    for size in sizes:
        fitting = np.flatnonzero(left[: used + 1] >= size)
        scores = require_array(
            program(int(size), left[fitting], cpu_s=0.1), fitting.shape, name="scores"
        )
        chosen = int(fitting[np.argmax(scores)])
        left[chosen] -= size
        used = max(used, chosen + 1)
    return math.ceil(int(sizes.sum()) / CAPACITY) / used


task = st.Task(
    name="bin_packing",
    seed=Path("seed.py"),
    utility=utility,
    range=(0.0, 1.0),
    source="Online bin packing, Weibull sizes: Romera-Paredes et al. 2023 (FunSearch)",
    seed_score=(0.88, 0.98),
)
