"""Prints without end."""
# family: output
# seconds: 3

from attack import attempted


def algorithm(question):
    attempted()
    for _ in range(40_000):
        print("x" * 1000)
    return True
