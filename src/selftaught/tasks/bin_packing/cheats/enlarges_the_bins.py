"""Tries to enlarge the host's bins through the array that it was given."""


def algorithm(item, bins):
    scores = -(bins - item)
    bins += 1000.0
    return scores
