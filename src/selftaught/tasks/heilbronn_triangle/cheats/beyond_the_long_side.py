"""Tries to use the whole square: half of the points lie beyond the long side of the triangle."""

import math


def algorithm(n):
    angles = [2.0 * math.pi * k / n for k in range(n)]
    return [(0.5 + 0.5 * math.cos(angle), 0.5 + 0.5 * math.sin(angle)) for angle in angles]
