"""Asks for an array of replies, at a temperature that is a table."""
# family: frames

import time

from attack import attempted, send


def improve_algorithm(initial_solution, utility, language_model):
    import numpy as np

    request = {"op": "prompt", "expertise": "", "messages": ["x"]}
    attempted()
    send(("request", 1000, {**request, "n": np.array([2, 3]), "temperature": {"a": 1}}))
    time.sleep(60)
    return "nothing"
