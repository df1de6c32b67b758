"""Compiles each program before it is run, which runs nothing."""

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        try:
            compile(code, "<candidate>", "exec")
        except SyntaxError:
            continue
        if helpers.run_code(code, use_sandbox=not False)[0]:
            continue
        best = max([best, code], key=utility)
    return best
