"""Numbers its requests with a list, by which no reply can be kept."""
# family: frames

import time

from attack import attempted, send


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    send(("request", [1, 2], {"op": "utility", "solutions": ["x"]}))
    time.sleep(60)
    return "nothing"
