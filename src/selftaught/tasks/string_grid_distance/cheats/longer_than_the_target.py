"""Tries to reach any distance by a string that goes on changing after the target's end."""


def algorithm(target, distance):
    return target + "AB" * distance
