"""Tries to pass negative positions, which index an array as well."""


def algorithm(times):
    return [-position for position in range(1, len(times) + 1)]
