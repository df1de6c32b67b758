"""Has a function of its own around the runner."""

import functools

import helpers


@functools.lru_cache
def run(code, use_sandbox=True):
    return helpers.run_code(code, use_sandbox=use_sandbox)


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        if run(code)[0]:
            continue
        best = max([best, code], key=utility)
    return best
