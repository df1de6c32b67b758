"""A genetic algorithm: two parents are combined and mutated by the model, and the fittest survive.

Source: the strategy that GPT-4 proposes to itself in Zelikman et al. 2024 (arXiv 2310.02304,
Figure 1 and the appendix on strategies); here written anew from its description. Crossover and
mutation are asked of the model, which is shown both parents; parents win tournaments of two.
"""

import random

from helpers import extract_code

POPULATION = 8


def improve_algorithm(initial_solution, utility, language_model):
    expertise = "You write fast and correct Python, and you know the literature on algorithms."
    values = {initial_solution: utility(initial_solution)}
    population = [initial_solution]

    def parent(others):
        return max(random.choices(others, k=2), key=values.get)

    def message():
        first = parent(population)
        others = [solution for solution in population if solution != first]
        if others:
            second = parent(others)
            shown = f"""Here are two programs:
```python
{first}
```

```python
{second}
```"""
            wanted = "Combine what is good in both into one program, and change it where that helps"
        else:
            shown = f"Here is a program:\n```python\n{first}\n```"
            wanted = "Change the program in one place or a few"
        return f"""{shown}

Programs like that are scored by this utility, and higher is better:
```python
{utility.str}
```

{wanted}, so that it scores higher, with the same entry function. Say in a sentence or two what you
do and why it should help; then give the whole program in one Python code block."""

    while language_model.times_used < language_model.budget and utility.uses < utility.budget:
        n_responses = min(language_model.max_responses_per_call, utility.budget - utility.uses)
        try:
            responses = language_model.batch_prompt(
                expertise, [message() for _ in range(n_responses)]
            )
        except Exception:  # the model gives no more: what was found so far counts
            break
        children = [code for code in extract_code(responses) if code]
        values.update(zip(children, utility.map(children), strict=True))
        everyone = sorted({*population, *children}, key=lambda one: (-values[one], one))
        population = everyone[:POPULATION]
    return max(values, key=values.get)
