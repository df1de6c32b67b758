"""Runs programs through a shell."""

import os

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        try:
            os.system(f"python3 -c {code!r}")
        except OSError:
            pass
        best = max([best, code], key=utility)
    return best
