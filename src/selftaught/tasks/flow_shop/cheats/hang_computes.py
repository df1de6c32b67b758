"""Tries to use far more CPU time than it has."""


def algorithm(times):
    total = 0
    while True:
        total += 1
