"""Asks for large replies and reads none of them, so that the host waits to be heard."""
# family: frames

import time

from attack import attempted, send


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    for number in range(1000, 1040):
        request = {"op": "utility", "solutions": [None] * 9_000}
        send(("request", number, request))
    time.sleep(60)
    return "nothing"
