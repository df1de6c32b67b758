"""Hangs a cache of its own on the utility, and a note on the model; neither is a budget."""

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    utility.known = {}
    language_model.last_message = None

    def score(code):
        if code not in utility.known:
            utility.known[code] = utility(code)
        return utility.known[code]

    replies = language_model.prompt("expert", initial_solution, n_responses=4)
    return max([initial_solution, *filter(None, extract_code(replies))], key=score)
