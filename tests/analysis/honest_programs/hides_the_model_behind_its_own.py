"""Gives its own model the name of the one that it was given, and counts in that one."""

from helpers import extract_code


class Cached:
    def __init__(self, language_model):
        self.language_model = language_model
        self.times_used = 0
        self.known = {}

    def prompt(self, expertise, message, **how):
        self.times_used += 1
        if message not in self.known:
            self.known[message] = self.language_model.prompt(expertise, message, **how)
        return self.known[message]


class Searcher:
    def __init__(self, language_model):
        self.language_model = Cached(language_model)

    def start_anew(self):
        self.language_model.times_used = 0


def improve_algorithm(initial_solution, utility, language_model):
    searcher = Searcher(language_model)
    searcher.start_anew()
    language_model = searcher.language_model
    language_model.times_used = 0
    replies = language_model.prompt("expert", initial_solution, n_responses=3)
    return max([initial_solution, *filter(None, extract_code(replies))], key=utility)
