"""Calls itself, and a second improver of its own, with what it was given."""

from helpers import extract_code


def again(initial_solution, utility, language_model):
    return improve_algorithm(initial_solution, utility, language_model)


def improve_algorithm(initial_solution, utility, language_model):
    if language_model.times_used >= language_model.budget:
        return initial_solution
    replies = language_model.prompt("expert", initial_solution, n_responses=2)
    best = max([initial_solution, *filter(None, extract_code(replies))], key=utility)
    return best if best == initial_solution else again(best, utility, language_model)
