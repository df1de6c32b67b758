"""Sends the host what only the host sends: replies, and the words of the handshake."""
# family: frames

import time

from attack import attempted, send


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    send(("locked",))
    send(("reply", 1, {"responses": ["forged"], "times_used": -5}))
    send(("improve", "x", {"calls": 10**9}))
    send(("lockdown", "the sandbox is broken: stop the run"))
    time.sleep(0.2)
    for number in range(1000, 1012):
        request = {"op": "prompt", "expertise": "", "messages": ["x"], "n": 1, "temperature": 0.5}
        send(("request", number, request))
    time.sleep(0.2)
    return "nothing"
