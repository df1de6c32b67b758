"""The first autocorrelation inequality: a step function whose autoconvolution is low everywhere.

For non-negative f on [-1/4, 1/4], C1 is the least that max(f * f) / (integral of f)^2 can be. Any
step function proves an upper bound of C1; it is known to be at least 1.28.

Sources: Novikov et al. 2025, AlphaEvolve, section B.1 (arXiv 2506.13131); the lower bound is due to
Cloninger and Steinerberger 2017, On suprema of autoconvolutions with an application to Sidon sets.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, bad_output, require_array, require_length

MOST_STEPS = 1000


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """1 / c1 of a step function f on [-1/4, 1/4], where c1 = max(f * f) / (integral of f)^2.

    `algorithm(most) -> heights` is called once, with most = 1000, and may use 5 CPU seconds.
    heights: (n,) finite numbers >= 0, not all 0, for any n in 1 .. most: the values of f on n
    intervals of equal length. f * f is the autoconvolution, which is linear between the knots of
    the steps, and highest at one of them: c1 = 2 n max(convolve(heights, heights)) /
    sum(heights)^2. It is computed in exact arithmetic. There is one instance only: search, val and
    test measure the same.
    """
    heights = require_heights(program(MOST_STEPS, cpu_s=5.0))
    c1 = autocorrelation_constant(heights)
    return st.Measure(value=float(1 / c1), metrics={"c1": float(c1), "steps": len(heights)})


def require_heights(value: object) -> FloatArray:
    """The value as (n,) heights >= 0, not all 0, for an n in 1 .. MOST_STEPS."""
    steps = require_length(value, MOST_STEPS, name="heights")
    heights = require_array(value, (steps,), name="heights")
    if (heights < 0).any():
        bad_output("heights has an entry below 0")
    if not heights.any():
        bad_output("heights are all 0")
    return heights


def autocorrelation_constant(heights: FloatArray) -> Fraction:
    """max(f * f) / (integral of f)^2 of the step function, exactly."""
    whole = in_whole_units(heights)
    return Fraction(2 * len(whole) * max(self_convolution(whole)), sum(whole) ** 2)


def in_whole_units(heights: FloatArray) -> list[int]:
    """The heights in the largest unit of which all are multiples: a power of 2."""
    ratios = [float(height).as_integer_ratio() for height in heights]
    unit = max(denominator for _, denominator in ratios)
    return [numerator * (unit // denominator) for numerator, denominator in ratios]


def self_convolution(whole: list[int]) -> list[int]:
    """The coefficients of the square of a polynomial with coefficients >= 0, exactly.

    They are digits of the square of one large integer, in a base that is too large for carries
    (Kronecker's substitution).
    """
    width = (2 * max(whole).bit_length() + len(whole).bit_length()) // 8 + 1
    number = int.from_bytes(b"".join(digit.to_bytes(width, "little") for digit in whole), "little")
    digits = (number * number).to_bytes(2 * width * len(whole), "little")
    starts = range(0, width * (2 * len(whole) - 1), width)
    return [int.from_bytes(digits[start : start + width], "little") for start in starts]


task = st.Task(
    name="autocorrelation",
    seed=Path("seed.py"),
    utility=utility,
    range=(0.0, 1 / 1.28),
    # AlphaEvolve's first, of 600 steps: the lowest since then have more than are allowed here.
    best_known=1 / 1.5052939684,
    source="First autocorrelation inequality: Novikov et al. 2025 (AlphaEvolve), B.1",
    seed_score=(0.53, 0.57),
    references=[
        st.Reference(
            value=1 / 1.50992,
            what="best known before AlphaEvolve: c1 = 1.50992",
            source="Matolcsi and Vinuesa 2010, arXiv 0907.1379",
        ),
        st.Reference(
            value=1 / 1.5052939684,
            what="AlphaEvolve, 600 steps: c1 = 1.5052939684",
            source="Novikov et al. 2025, arXiv 2506.13131, section B.1",
        ),
        st.Reference(
            value=1 / 1.503133,
            what="ThetaEvolve: c1 = 1.503133",
            source="Wang et al. 2025, arXiv 2511.23473",
        ),
        st.Reference(
            value=1 / 1.502870,
            what="TTT-Discover, more steps than are allowed here: c1 = 1.502870",
            source="Yuksekgonul et al. 2026, Learning to Discover at Test Time",
        ),
    ],
)
