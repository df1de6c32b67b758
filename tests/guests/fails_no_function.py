"""Defines something else than what is called."""

algorithm = 3


def algorithms():
    return 1
