"""Builds a language model of a subclass that counts no calls."""

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    class Unlimited(type(language_model)):
        def __init__(self):
            self.__dict__.update(language_model.__dict__)
            self.budget = 1000

    responses = Unlimited().prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        if helpers.run_code(code, use_sandbox=True)[0]:
            continue
        best = max([best, code], key=utility)
    return best
