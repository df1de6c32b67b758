"""Online bin packing in the two settings of FunSearch: evolve the priority function.

`weibull` has Weibull item sizes in bins of 100, `or_library` uniform ones in bins of 150, as in the
third of the OR-Library's sets. An item is shown only when the one before it is packed, one call of
the program an item: that costs time, so there are fewer and shorter instances than FunSearch had
(five of 5000 items, twenty of 500). The shorter a Weibull instance, the more its last bins weigh:
its published values are for comparison of the rules, not to be met to the digit.

Source: Romera-Paredes et al. 2023, Mathematical discoveries from program search with large language
models (FunSearch), Nature 625; the sizes follow Castineiras et al. 2012 and Beasley's OR-Library.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, IntArray, require_array

WEIBULL_CAPACITY = 100
WEIBULL_ITEMS = 500
WEIBULL_INSTANCES = 2
OR_CAPACITY = 150
OR_ITEMS = 500
OR_INSTANCES = 2


def weibull_utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """Bins that no packing can do without, over bins used: mean over 2 instances of 500 items.

    `algorithm(item, bins) -> scores` is called once an item, and never sees the items to come.
    item: its size, an int in 1 .. 100; sizes are Weibull numbers of shape 3 and scale 45. bins:
    (n_bins,) float64, the capacity of 100 that is left in each bin that can hold the item, oldest
    bin first; the last one is a new, empty bin. scores: (n_bins,) finite numbers; the item goes
    into the bin of the highest score (the first such).
    """
    sizes = [weibull_sizes(rng) for _ in range(WEIBULL_INSTANCES)]
    return mean_share(program, sizes, WEIBULL_CAPACITY)


def or_library_utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """Bins that no packing can do without, over bins used: mean over 2 instances of 500 items.

    `algorithm(item, bins) -> scores` is called once an item, and never sees the items to come.
    item: its size, an int, uniform in 20 .. 100. bins: (n_bins,) float64, the capacity of 150 that
    is left in each bin that can hold the item, oldest bin first; the last one is a new, empty bin.
    scores: (n_bins,) finite numbers; the item goes into the bin of the highest score (the first
    such).
    """
    sizes = [rng.integers(20, 101, OR_ITEMS) for _ in range(OR_INSTANCES)]
    return mean_share(program, sizes, OR_CAPACITY)


def weibull_sizes(rng: np.random.Generator) -> IntArray:
    """Sizes of one instance: Weibull of shape 3 and scale 45, clipped to 1 .. 100 and rounded."""
    drawn = 45.0 * rng.weibull(3.0, WEIBULL_ITEMS)
    return np.rint(np.clip(drawn, 1, WEIBULL_CAPACITY)).astype(np.int64)


def mean_share(
    program: st.SandboxedProgram, instances: list[IntArray], capacity: int
) -> st.Measure:
    """The bound L1 = ceil(sum of sizes / capacity) over the bins used, and the mean excess."""
    bounds = [math.ceil(int(sizes.sum()) / capacity) for sizes in instances]
    used = [bins_used(program, sizes, capacity) for sizes in instances]
    shares = [bound / bins for bound, bins in zip(bounds, used, strict=True)]
    return st.Measure(
        value=math.fsum(shares) / len(shares),
        per_instance=shares,
        metrics={"excess": sum(used) / sum(bounds) - 1.0},
    )


def bins_used(program: st.SandboxedProgram, sizes: IntArray, capacity: int) -> int:
    """Pack the items in order."""
    left: FloatArray = np.full(len(sizes), float(capacity))
    used = 0
    for size in sizes:
        fitting = np.flatnonzero(left[: used + 1] >= size)
        scores = require_array(
            program(int(size), left[fitting], cpu_s=0.1), fitting.shape, name="scores"
        )
        chosen = int(fitting[np.argmax(scores)])
        left[chosen] -= size
        used = max(used, chosen + 1)
    return used


def published(what: str, excess: float) -> st.Reference:
    """A published excess over the bound L1, as the share of the bins used that the bound is."""
    return st.Reference(
        value=1.0 / (1.0 + excess),
        what=f"{what}: {excess:.2%} more bins than the bound",
        source="Romera-Paredes et al. 2023, Nature 625: online bin packing",
    )


weibull = st.Task(
    name="bin_packing_weibull",
    seed=Path("seed.py"),
    utility=weibull_utility,
    range=(0.0, 1.0),
    source="Online bin packing, Weibull sizes: Romera-Paredes et al. 2023 (FunSearch)",
    seed_score=(0.93, 0.975),
    references=[
        published("best fit, 5000 items", 0.0398),
        published("FunSearch, 5000 items", 0.0068),
    ],
)

or_library = st.Task(
    name="bin_packing_or",
    seed=Path("seed.py"),
    utility=or_library_utility,
    range=(0.0, 1.0),
    source="Bin packing, OR-Library sizes: Romera-Paredes et al. 2023 (FunSearch)",
    seed_score=(0.93, 0.97),
    references=[
        published("best fit, OR3", 0.0537),
        published("FunSearch, OR3", 0.0311),
    ],
)
