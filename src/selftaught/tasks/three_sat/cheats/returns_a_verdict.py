"""Tries to say that the formula is satisfiable, which it is, without an assignment."""


def algorithm(variables, clauses):
    return True
