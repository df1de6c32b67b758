"""Prints without end."""


def algorithm(*args):
    while True:
        print("x" * 1000)
