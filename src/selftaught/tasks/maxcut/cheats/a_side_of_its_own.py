"""Tries to cut every edge: a side of its own for each node."""


def algorithm(weights):
    return list(range(len(weights)))
