"""Minimise ill-conditioned quadratics in a few gradient steps: find the update rule.

Source: gradient descent with momentum, Polyak 1964, Some methods of speeding up the convergence
of iteration methods; no rule of that kind does better in twelve steps than Chebyshev's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import selftaught as st
from selftaught.tasks.checks import FloatArray, require_array

DIMENSIONS = 6
STEPS = 12
INSTANCES = 16
SMALLEST_CURVATURE = 0.005


def utility(program: st.SandboxedProgram, rng: np.random.Generator) -> st.Measure:
    """Share of the possible descent that twelve steps reach: mean over 16 quadratics.

    `algorithm(x, gradient, velocity, step) -> (new_x, new_velocity)` is called once a step, for
    all quadratics at once. x, gradient, velocity: (16, 6) float64, a row a quadratic; the velocity
    is 0 at first, then what the last call returned, and may hold anything. step: int, 0 .. 11.
    Curvatures lie between 0.005 and 1. Both outputs: finite numbers of the same shape. A quadratic
    that ends above its start counts 0.
    """
    problem = quadratics(rng)
    x = problem.start
    velocity = np.zeros_like(x)
    for step in range(STEPS):
        output = program(x, problem.gradient(x), velocity, step, cpu_s=0.1)
        x, velocity = require_array(output, (2, *x.shape), name="(new_x, new_velocity)")
    reached = np.clip(1.0 - problem.height(x) / problem.height(problem.start), 0.0, 1.0)
    shares = [float(share) for share in reached]
    return st.Measure(value=math.fsum(shares) / len(shares), per_instance=shares)


@dataclass(frozen=True, slots=True)
class Quadratics:
    """Quadratics f(x) = (x - best)' A (x - best) / 2, where A = basis diag(curvature) basis'.

    basis: (INSTANCES, DIMENSIONS, DIMENSIONS), orthonormal columns; the others: (INSTANCES,
    DIMENSIONS).
    """

    basis: FloatArray
    curvature: FloatArray
    best: FloatArray
    start: FloatArray

    def gradient(self, x: FloatArray) -> FloatArray:
        """(INSTANCES, DIMENSIONS)"""
        along = self.curvature * np.einsum("nij,ni->nj", self.basis, x - self.best)
        gradient: FloatArray = np.einsum("nij,nj->ni", self.basis, along)
        return gradient

    def height(self, x: FloatArray) -> FloatArray:
        """(INSTANCES,), f(x) above the minimum, >= 0."""
        along = np.einsum("nij,ni->nj", self.basis, x - self.best)
        height: FloatArray = 0.5 * (self.curvature * along**2).sum(axis=1)
        return height


def quadratics(rng: np.random.Generator) -> Quadratics:
    """Curvatures log-uniform; the start is equally high along each principal axis on average."""
    shape = (INSTANCES, DIMENSIONS)
    basis = np.linalg.qr(rng.normal(size=(*shape, DIMENSIONS))).Q
    curvature = np.exp(rng.uniform(math.log(SMALLEST_CURVATURE), 0.0, shape))
    best = rng.normal(size=shape)
    offset = np.einsum("nij,nj->ni", basis, rng.normal(size=shape) / np.sqrt(curvature))
    return Quadratics(basis, curvature, best, best + offset)


task = st.Task(
    name="descent",
    seed=Path("seed.py"),
    utility=utility,
    range=(0.0, 1.0),
    source="Momentum: Polyak 1964",
    seed_score=(0.25, 0.65),
)
