"""Gives arrays, numbers and tables to score, where programs should be."""
# family: frames

import time

from attack import attempted, send


def improve_algorithm(initial_solution, utility, language_model):
    import numpy as np

    attempted()
    solutions = [np.array([[1.0, 2.0]]), 2**600, {"a": [1]}, (), b"program"]
    send(("request", 1000, {"op": "utility", "solutions": solutions}))
    time.sleep(60)
    return "nothing"
