"""A solution with a budget of steps and a class that counts its uses, as anytime solvers have."""

import time


class Solver:
    budget = 1000

    def __init__(self, values):
        self.values = values
        self.uses = 0
        self.times_used = 0

    def step(self):
        self.uses += 1
        self.budget -= 1
        return sum(self.values)


def algorithm(values):
    solver = Solver(values)
    solver.budget = 50
    end = time.monotonic() + 0.01
    while solver.budget > 0 and time.monotonic() < end:
        solver.step()
    Solver.budget = 10
    return solver.uses
