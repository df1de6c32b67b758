"""Stays in one call of C, which looks at no signal."""


def algorithm(*args):
    return sum(range(10**12))
