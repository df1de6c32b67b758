"""Tries to be done early by leaving most of the jobs out."""


def algorithm(times):
    return [0, 1, 2]
