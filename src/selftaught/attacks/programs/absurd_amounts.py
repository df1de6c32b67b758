"""Asks for absurd numbers of replies: huge, negative, no number at all."""
# family: budgets

from attack import attempted, receive, send


def improve_algorithm(initial_solution, utility, language_model):
    got = 0
    attempted()
    for number, n in enumerate((10**6, -(10**6), 2**62, -1, 0)):
        for temperature in (0.5, float("nan"), float("inf"), -1e308):
            request = {"op": "prompt", "expertise": "", "messages": ["x"], "n": n}
            key = 1000 + 10 * number
            send(("request", key, {**request, "temperature": temperature}))
            reply = receive()[2]
            got += len(reply.get("responses", ()))
    return "THROUGH" if got > 100 else "nothing"
