"""Circles in the unit square with the largest sum of radii.

Source: Novikov et al. 2025, AlphaEvolve, section B.12 (arXiv 2506.13131), for 26 circles.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, bad_output, require_array

CIRCLES = 26


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """Sum of the radii of 26 circles in the unit square that do not overlap.

    `algorithm(n) -> circles` is called once, with n = 26, and may use 5 CPU seconds. circles:
    (26, 3) finite numbers, a row (x, y, r) a circle, with r >= 0. Circles may touch each other and
    the sides. That they do not overlap and do not stick out is checked in exact arithmetic on the
    float64 numbers, with no tolerance: so radii that were computed to touch should be made smaller
    by a relative 1e-12. There is one instance only: search, val and test measure the same.
    """
    circles = require_array(program(CIRCLES, cpu_s=5.0), (CIRCLES, 3), name="circles", largest=1.0)
    require_packing(circles)
    return math.fsum(circles[:, 2])


def require_packing(circles: FloatArray) -> None:
    """Fail the candidate unless its circles (n, 3) are a packing, in rational arithmetic."""
    exact = [[Fraction(float(number)) for number in circle] for circle in circles]
    for index, (x, y, r) in enumerate(exact):
        if r < 0:
            bad_output(f"circle {index} has a negative radius")
        if min(x, y) < r or max(x, y) > 1 - r:
            outside = max(r - min(x, y), max(x, y) - (1 - r))
            bad_output(f"circle {index} sticks out of the square by {float(outside):.3g}")
    overlapping = [
        (depth(exact[i], exact[j]), i, j)
        for i, j in combinations(range(len(exact)), 2)
        if overlap(exact[i], exact[j])
    ]
    if overlapping:
        deepest, i, j = max(overlapping)
        pairs = f"the most of {len(overlapping)} pairs"
        bad_output(f"circles {i} and {j} overlap by {deepest:.3g}, {pairs}")


def overlap(first: list[Fraction], second: list[Fraction]) -> bool:
    """Whether two circles (x, y, r) have more than one point in common."""
    return squared_distance(first, second) < (first[2] + second[2]) ** 2


def depth(first: list[Fraction], second: list[Fraction]) -> float:
    """How far two circles reach into each other, for the message."""
    reach, distance = first[2] + second[2], math.sqrt(squared_distance(first, second))
    return float(reach**2 - squared_distance(first, second)) / (float(reach) + distance)


def squared_distance(first: list[Fraction], second: list[Fraction]) -> Fraction:
    return (first[0] - second[0]) ** 2 + (first[1] - second[1]) ** 2


task = st.Task(
    name="circle_packing",
    seed=Path("seed.py"),
    utility=utility,
    # The areas give pi * sum(r^2) <= 1, and Cauchy-Schwarz sum(r)^2 <= 26 * sum(r^2).
    range=(0.0, math.sqrt(CIRCLES / math.pi)),
    best_known=2.635983,
    source="Circles of the largest sum of radii: Novikov et al. 2025 (AlphaEvolve), B.12",
    seed_score=(2.2, 2.3),
    references=[
        st.Reference(
            value=2.634,
            what="best known before AlphaEvolve",
            source="Novikov et al. 2025, arXiv 2506.13131, section B.12",
        ),
        st.Reference(
            value=2.6358627564,
            what="AlphaEvolve",
            source="Novikov et al. 2025, arXiv 2506.13131, section B.12",
        ),
        st.Reference(
            value=2.635977,
            what="OpenEvolve, 450 steps",
            source="https://github.com/algorithmicsuperintelligence/openevolve/issues/156",
        ),
        st.Reference(
            value=2.635983,
            what="ThetaEvolve",
            source="Wang et al. 2025, arXiv 2511.23473",
        ),
    ],
)
