"""Runs programs itself."""

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        space = {}
        exec(code, space)
        if "algorithm" not in space:
            continue
        best = max([best, code], key=utility)
    return best
