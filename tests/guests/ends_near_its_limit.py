"""An improver that uses CPU time up to a moment of the host's choice, and then ends in a bad way."""

import os
import time


def improve_algorithm(initial_solution, utility, language_model):
    how, _, rounds = initial_solution.partition(" after ")
    while sum(os.times()[:2]) < 0.05:  # which is counted in hundredths of a second
        pass
    for _ in range(int(rounds)):
        pass
    if how.startswith("closes"):
        os.closerange(0, 4096)
    if how == "exits":
        os._exit(3)
    if how.endswith("sleeps"):
        time.sleep(1000)
    while how != "returns":
        pass
    return "returned"
