import numpy as np
from helpers import extract_code

HINTS = (
    "Replace the main idea of the program by a stronger one.",
    "Keep the idea and fix its weakest step.",
    "Tune numbers, orders and tie-breaks; leave the rest alone.",
)


def compose(program, hint, utility):
    return f"""{hint}

```python
{program}
```

Scoring (maximise):

```python
{utility.str}
```

Answer with the full new program in a fenced block."""


def improve_algorithm(initial_solution, utility, language_model):
    rng = np.random.default_rng(len(initial_solution))
    cache = {hint: [1.0, 1.0] for hint in HINTS}
    here = there = initial_solution
    value_here = value_there = utility(initial_solution)
    scale = 0.2 * (abs(value_here) + 1e-3)

    for _ in range(language_model.budget):
        hint = max(HINTS, key=lambda h: rng.beta(*cache[h]))
        replies = language_model.prompt(
            "You improve programs.",
            compose(here, hint, utility),
            n_responses=language_model.max_responses_per_call,
            temperature=0.8,
        )
        codes = [code for code in extract_code(replies) if code is not None]
        values = utility.map(codes)
        wins = sum(value > value_here for value in values)
        cache[hint][0] += wins
        cache[hint][1] += len(replies) - wins
        if codes:
            top = int(np.argmax(values))
            if values[top] > value_there:
                there, value_there = codes[top], values[top]
            drop = min(0.0, values[top] - value_here)
            if rng.random() < np.exp(drop / scale):
                here, value_here = codes[top], values[top]
        scale *= 0.5
    return there
