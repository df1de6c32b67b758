"""Tries to be believed: it returns its circles with a sum of its own."""


def algorithm(n):
    circles = [(1 / 12 + k % 6 / 6, 1 / 12 + k // 6 / 6, 1 / 12) for k in range(n)]
    return circles, 2.636
