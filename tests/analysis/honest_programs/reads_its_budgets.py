"""Reads both budgets, and keeps count in variables that are called like them."""

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    budget = language_model.budget - language_model.times_used
    uses = utility.budget - utility.uses
    best = initial_solution
    while budget > 0 and uses > 0:
        n = min(language_model.max_responses_per_call, uses)
        replies = language_model.prompt("expert", best, n_responses=n)
        budget -= 1
        for code in filter(None, extract_code(replies)):
            best = max([best, code], key=utility)
            uses -= 2
    return best
