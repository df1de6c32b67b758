from math import exp
from random import random

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    s, u = initial_solution, utility(initial_solution)
    s_max, u_max = s, u
    tau = 1.0
    while tau > 0.2 and language_model.times_used < language_model.budget:
        r = language_model.prompt(
            "Programmer, mathematician, optimist.",
            f"Alter this:\n```python\n{s}\n```\nso as to raise this:\n```python\n{utility.str}\n```"
            "\nGive the whole thing, fenced.",
            language_model.max_responses_per_call,
            tau,
        )
        for c in r:
            if not (c := extract_code(c)):
                continue
            v = utility(c)
            if v > u_max:
                s_max, u_max = c, v
            # Relative loss, so that one tau fits all utilities.
            loss = max(0.0, (u - v) / (abs(u) + 1e-9))
            if random() < exp(-10 * loss / tau):
                s, u = c, v
        tau *= 0.7
    return s_max
