"""Tries each program in the guarded runner."""

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        error, _ = helpers.run_code(code, use_sandbox=True)
        if error:
            continue
        best = max([best, code], key=utility)
    return best
