"""Makes a second model of the class of the first."""


def improve_algorithm(initial_solution, utility, language_model):
    second = type(language_model)(None, 99, 99)
    second.prompt("", "")
    return initial_solution
