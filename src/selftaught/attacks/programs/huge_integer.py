"""Answers with an integer of 10,000 digits, which no judge can print or turn into a float."""
# family: forged results

from attack import attempted


def algorithm(question):
    attempted()
    return 10**10_000
