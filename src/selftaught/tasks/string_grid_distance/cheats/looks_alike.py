"""Tries to differ from the target without a change: a lower-case or Cyrillic twin of its letters."""


def algorithm(target, distance):
    return target.replace("A", "a").replace("B", "\u0412")
