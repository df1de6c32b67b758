"""Writes requests of its own to the host, with budgets and prices of its own in them."""
# family: frames

from attack import attempted, receive, send


def improve_algorithm(initial_solution, utility, language_model):
    request = {"op": "prompt", "expertise": "", "messages": ["x"], "n": 2, "temperature": 0.5}
    claims = {"charged": False, "calls": -10, "budget": 10**9, "price": 0, "lm_calls": 0}
    got = 0
    attempted()
    for number in range(1000, 1010):
        send(("request", number, {**request, **claims}))
        got += len(receive()[2].get("responses", ()))
    return "THROUGH" if got > 10 else "nothing"
