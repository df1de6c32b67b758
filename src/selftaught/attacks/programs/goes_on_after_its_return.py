"""Returns, and leaves threads that go on asking the model."""
# family: frames

import threading

from attack import attempted, send


def go_on():
    for number in range(1000, 1040):
        request = {"op": "prompt", "expertise": "", "messages": ["x"], "n": 1, "temperature": 0.5}
        send(("request", number, request))


def improve_algorithm(initial_solution, utility, language_model):
    thread = threading.Thread(target=go_on)
    attempted()
    thread.start()
    return "nothing"
