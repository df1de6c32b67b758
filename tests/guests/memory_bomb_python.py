"""Fills memory with lists."""


def algorithm(*args):
    hoard = []
    while True:
        hoard.append([0] * 1_000_000)
