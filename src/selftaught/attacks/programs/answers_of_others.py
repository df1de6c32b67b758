"""Asks by the numbers of another improver's questions, to be given the answers to those."""
# family: frames

import time

from attack import attempted, receive, send


def improve_algorithm(initial_solution, utility, language_model):
    time.sleep(0.2)
    found = []
    attempted()
    for number in range(1, 6):
        send(("request", number, {"op": "utility", "solutions": []}))
        found += receive()[2].get("responses", [])
    return "THROUGH" if any("private" in text for text in found) else "nothing"
