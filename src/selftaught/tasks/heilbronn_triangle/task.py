"""Heilbronn's problem in a triangle: spread points so that no three span a small triangle.

Source: Novikov et al. 2025, AlphaEvolve, section B.9 (arXiv 2506.13131), for 11 points in a
triangle of area 1.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, bad_output, require_array

POINTS = 11
Point = tuple[Fraction, Fraction]


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> float:
    """Area of the smallest triangle that three of 11 points span, over the area of the one around.

    `algorithm(n) -> points` is called once, with n = 11, and may use 5 CPU seconds. points: (11, 2)
    finite numbers, a row (x, y) a point of the triangle with corners (0, 0), (1, 0) and (0, 1):
    x >= 0, y >= 0 and x + y <= 1. That is checked in exact arithmetic on the float64 numbers, with
    no tolerance, and so are the areas: three points on a line, or two in one place, score 0. There
    is one instance only: search, val and test measure the same.
    """
    points = require_array(program(POINTS, cpu_s=5.0), (POINTS, 2), name="points", largest=1.0)
    return float(smallest_area(points))


def smallest_area(points: FloatArray) -> Fraction:
    """The smallest area that three of the points (n, 2) span, as a share of the triangle around.

    An affine map takes any triangle to this one and leaves such shares as they are.
    Raises: ProgramFailed of kind bad_output for a point outside of the triangle.
    """
    exact = [(Fraction(float(x)), Fraction(float(y))) for x, y in points]
    for index, (x, y) in enumerate(exact):
        if min(x, y, 1 - x - y) < 0:
            outside = -float(min(x, y, 1 - x - y))
            bad_output(f"point {index} is not in the triangle: beyond a side by {outside:.3g}")
    return min(area_share(*three) for three in combinations(exact, 3))


def area_share(a: Point, b: Point, c: Point) -> Fraction:
    """Half a cross product, over the area 1/2 of the triangle around."""
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]))


task = st.Task(
    name="heilbronn_triangle",
    seed=Path("seed.py"),
    utility=utility,
    # Points of which no three are on a line can be the corners of a triangulation, of at least
    # n - 2 triangles; the smallest is no larger than their mean.
    range=(0.0, 1 / (POINTS - 2)),
    best_known=0.0365298899,
    source="Heilbronn's problem in a triangle: Novikov et al. 2025 (AlphaEvolve), B.9",
    seed_score=(0.006, 0.012),
    references=[
        st.Reference(
            value=0.0365298899,
            what="AlphaEvolve, 11 points",
            source="Novikov et al. 2025, arXiv 2506.13131, section B.9",
        ),
        st.Reference(
            value=0.036,
            what="best known before AlphaEvolve, 11 points",
            source="Novikov et al. 2025, arXiv 2506.13131, section B.9",
        ),
    ],
)
