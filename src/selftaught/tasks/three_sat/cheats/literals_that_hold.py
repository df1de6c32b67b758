"""Tries to list what has to hold, both signs where it must, instead of a value a variable."""


def algorithm(variables, clauses):
    return clauses[:, 0].tolist()
