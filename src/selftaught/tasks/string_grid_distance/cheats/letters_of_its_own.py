"""Tries to count every place and every pair, with letters that are equal to none of the two."""


def algorithm(target, distance):
    return "".join(chr(ord("C") + place) for place in range(len(target)))
