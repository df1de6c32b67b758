"""Answers with NaN, of which every comparison is false."""
# family: forged results

from attack import attempted


def algorithm(question):
    attempted()
    return float("nan")
