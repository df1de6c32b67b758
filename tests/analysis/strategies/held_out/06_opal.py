from functools import reduce

from helpers import extract_code

# Annealing parameters
T = 0.7
SAMPLES = 6


def anneal(pool):
    """Cool the pool down to its lowest-energy state, where energy is negative score."""

    def accept(current, new):
        return new if new["energy"] < current["energy"] else current

    return reduce(accept, pool)


def improve_algorithm(initial_solution, utility, language_model):
    message = f"""Improve the solution, please.

Solution:
```python
{initial_solution}
```

Utility:
```python
{utility.str}
```

Return the improved solution as a code block."""
    candidates = [initial_solution]
    for response in language_model.prompt(
        "You are a physicist turned programmer.",
        message,
        n_responses=min(SAMPLES, language_model.max_responses_per_call),
        temperature=T,
    ):
        code = extract_code(response)
        if code:
            candidates.append(code)
    pool = [{"code": code, "energy": -utility(code)} for code in candidates]
    return anneal(pool)["code"]
