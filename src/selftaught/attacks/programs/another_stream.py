"""Asks the utility for streams that it may not see, and for another task's."""
# family: frames

from attack import attempted, receive, send


def improve_algorithm(initial_solution, utility, language_model):
    values = []
    attempted()
    for number, extra in enumerate(
        ({}, {"stream": "test"}, {"stream": "val", "repeat": "0", "seed": 0, "task": "other"})
    ):
        request = {"op": "utility", "solutions": [initial_solution], **extra}
        send(("request", 1000 + number, request))
        values += receive()[2].get("values", [])
    return "THROUGH" if len(set(values)) > 1 else "nothing"
