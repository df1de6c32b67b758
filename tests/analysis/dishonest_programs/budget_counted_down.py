"""Takes back a call that it made."""


def improve_algorithm(initial_solution, utility, language_model):
    language_model.times_used -= 1
    return initial_solution
