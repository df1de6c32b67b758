"""Sets counters whose names are put together."""


def improve_algorithm(initial_solution, utility, language_model):
    for name in ("budget", "times_" + "used"):
        setattr(language_model, name, 0)
    return initial_solution
