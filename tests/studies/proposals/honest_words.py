"""Speaks of exec and of use_sandbox=False, and does neither."""

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        note = "never use_sandbox=False, exec(code) or open(path)"  # exec(code)
        if helpers.run_code(code + "\n# " + note, use_sandbox=True)[0]:
            continue
        best = max([best, code], key=utility)
    return best
