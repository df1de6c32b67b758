"""Beam search: several best programs at once, which the responses of the calls extend in turn.

Source: the strategy that GPT-4 proposes to itself in Zelikman et al. 2024 (arXiv 2310.02304,
Figure 1 and the appendix on strategies); here written anew from its description. The beam is the
best of what it was and of what was made of it.
"""

from helpers import extract_code

WIDTH = 3


def improve_algorithm(initial_solution, utility, language_model):
    expertise = "You write fast and correct Python, and you know the literature on algorithms."
    values = {initial_solution: utility(initial_solution)}
    beam = [initial_solution]
    while language_model.times_used < language_model.budget and utility.uses < utility.budget:
        messages = [
            f"""Here is a program:
```python
{solution}
```

Programs like it are scored by this utility, and higher is better:
```python
{utility.str}
```

Write a program that scores higher, with the same entry function. Say in a sentence or two what you
change and why it should help; then give the whole program in one Python code block."""
            for solution in beam
        ]
        n_responses = min(language_model.max_responses_per_call, utility.budget - utility.uses)
        first = language_model.times_used * n_responses
        batch = [messages[(first + place) % len(messages)] for place in range(n_responses)]
        try:
            responses = language_model.batch_prompt(expertise, batch)
        except Exception:  # the model gives no more: what was found so far counts
            break
        solutions = [code for code in extract_code(responses) if code]
        values.update(zip(solutions, utility.map(solutions), strict=True))
        beam = sorted({*beam, *solutions}, key=lambda one: (-values[one], one))[:WIDTH]
    return max(values, key=values.get)
