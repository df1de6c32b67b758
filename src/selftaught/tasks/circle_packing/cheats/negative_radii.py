"""Tries to make room with negative radii, which reach less far than none, for one large circle."""


def algorithm(n):
    return [(0.5, 0.5, 0.5)] * 10 + [(0.5, 0.5, -0.1)] * (n - 10)
