"""Gives itself more uses of the utility."""


def improve_algorithm(initial_solution, utility, language_model):
    utility.budget = 1000
    utility.uses = 0
    return initial_solution
