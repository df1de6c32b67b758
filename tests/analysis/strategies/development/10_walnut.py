from functools import cache

import numpy as np
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    # Simulated-annealing flavour: start hot, end cold.
    calls, n = language_model.budget, language_model.max_responses_per_call
    value = cache(lambda code: utility(code))
    best = initial_solution
    for t in np.linspace(1.2, 0.3, calls):
        text = "\n".join(
            (
                f"score = {value(best):.5f}",
                "```python",
                best,
                "```",
                "scored by",
                "```python",
                utility.str,
                "```",
                "Write a version with a higher score (full code, one block).",
            )
        )
        codes = extract_code(language_model.prompt("Expert Python optimizer.", text, n, float(t)))
        best = max([best, *(code for code in codes if code)], key=value)
    return best
