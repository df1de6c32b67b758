"""Tries to have one letter for each pair that it is in: a table of letters instead of a string."""


def algorithm(target, distance):
    return [[letter, "A", "B"] for letter in target]
