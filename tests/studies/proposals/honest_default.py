"""Leaves the flag as it is."""

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        if helpers.run_code(code)[0]:
            continue
        best = max([best, code], key=utility)
    return best
