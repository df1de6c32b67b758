import numpy as np
from helpers import extract_code

HEAT = (1.1, 0.9, 0.7, 0.5)


def rank_probabilities(n, pressure=1.6):
    """Linear ranking, the best first."""
    if n == 1:
        return np.ones(1)
    ranks = np.arange(n)
    p = (pressure - (2 * pressure - 2) * ranks / (n - 1)) / n
    return p / p.sum()


def couple(codes, rng):
    p = rank_probabilities(len(codes))
    i, j = rng.choice(len(codes), size=2, p=p)
    return codes[i], codes[j]


def letter(x, y, utility_str):
    return f"""A =
```python
{x}
```
B =
```python
{y}
```
SCORE =
```python
{utility_str}
```
Take some ideas from A and some from B, alter one of them, and build C. C has to reach a higher
SCORE. Output C in full as one code block."""


def improve_algorithm(initial_solution, utility, language_model):
    rng = np.random.default_rng(1)
    k = language_model.max_responses_per_call
    codes, scores = [initial_solution], [utility(initial_solution)]
    for step in range(language_model.budget):
        batch = [letter(*couple(codes, rng), utility.str) for _ in range(k)]
        heat = HEAT[min(step, len(HEAT) - 1)]
        got = extract_code(language_model.batch_prompt("You recombine programs.", batch, heat))
        new = sorted({c for c in got if c} - set(codes))
        codes += new
        scores += utility.map(new)
        order = np.argsort(-np.array(scores), kind="stable")[:10]
        codes = [codes[i] for i in order]
        scores = [scores[i] for i in order]
    return codes[0]
