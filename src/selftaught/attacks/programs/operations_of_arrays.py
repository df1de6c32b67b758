"""Puts an array where the name of an operation stands, which no word can be compared with."""
# family: frames

import time

from attack import attempted, send


def improve_algorithm(initial_solution, utility, language_model):
    import numpy as np

    attempted()
    send(("request", 1000, {"op": np.array([1, 2]), "solutions": np.array(["a"] == ["a"])}))
    time.sleep(60)
    return "nothing"
