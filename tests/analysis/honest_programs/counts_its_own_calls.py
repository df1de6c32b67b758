"""Has a class of its own with a budget and times_used, around the model that it is given."""

from helpers import extract_code


class Counted:
    def __init__(self, language_model, budget):
        self.language_model = language_model
        self.budget = budget
        self.times_used = 0

    def ask(self, message):
        if self.times_used >= self.budget:
            return []
        self.times_used += 1
        return self.language_model.prompt("expert", message, n_responses=2)

    def reset(self):
        self.times_used = 0
        self.budget = self.language_model.budget - self.language_model.times_used


def improve_algorithm(initial_solution, utility, language_model):
    counted = Counted(language_model, 2)
    best = initial_solution
    for _ in range(2):
        for code in filter(None, extract_code(counted.ask(best))):
            best = max([best, code], key=utility)
        counted.reset()
        counted.budget = 1
    return best
