"""Writes programs to a file."""

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        try:
            with open("candidate.py", "w") as file:  # noqa: PTH123
                file.write(code)
        except OSError:
            pass
        best = max([best, code], key=utility)
    return best
