"""Builds a language model of the class of its own, with calls that nobody granted."""

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    kind = type(language_model)
    fresh = kind(language_model._requests, {"calls": 1000, "samples_per_call": 100})
    responses = fresh.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        if helpers.run_code(code, use_sandbox=True)[0]:
            continue
        best = max([best, code], key=utility)
    return best
