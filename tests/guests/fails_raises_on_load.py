"""Raises while it is loaded."""

raise RuntimeError("not today")


def algorithm(*args):
    return 1
