"""Simulated annealing: goes on from a worse program, too, the less often the later.

Source: the strategy that GPT-4 proposes to itself in Zelikman et al. 2024 (arXiv 2310.02304,
Figure 1 and the appendix on strategies); here written anew from its description. Accepted is after
Metropolis, with probability exp(-loss / temperature). The temperature is what small changes cost,
the lower quartile of how far all programs seen are from the one that is gone on from, times what is
left of calls and uses.
"""

import math
import random

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    expertise = "You write fast and correct Python, and you know the literature on algorithms."
    values = {initial_solution: utility(initial_solution)}
    current = initial_solution
    while language_model.times_used < language_model.budget and utility.uses < utility.budget:
        calls_left = 1 - language_model.times_used / language_model.budget
        left = min(calls_left, 1 - utility.uses / utility.budget)
        message = f"""Here is a program:
```python
{current}
```

Programs like it are scored by this utility, and higher is better:
```python
{utility.str}
```

Write a neighbour of it that scores higher, with the same entry function: change one thing. Say in a
sentence or two what you change and why it should help; then give the whole program in one Python
code block."""
        n_responses = min(language_model.max_responses_per_call, utility.budget - utility.uses)
        try:
            responses = language_model.prompt(expertise, message, n_responses=n_responses)
        except Exception:  # the model gives no more: what was found so far counts
            break
        neighbours = [code for code in extract_code(responses) if code]
        values.update(zip(neighbours, utility.map(neighbours), strict=True))
        changes = {abs(value - values[current]) for value in values.values()} - {0.0}
        changes = sorted(filter(math.isfinite, changes))
        temperature = left * changes[len(changes) // 4] if changes else 0.0
        for neighbour in neighbours:
            loss = values[current] - values[neighbour]
            if loss <= 0 or (temperature and random.random() < math.exp(-loss / temperature)):
                current = neighbour
    return max(values, key=values.get)
