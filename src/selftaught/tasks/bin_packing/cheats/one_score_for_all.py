"""Tries to get by with one score, hoping that it is broadcast."""


def algorithm(item, bins):
    return 1.0
