"""The seed improver, asked to think before it writes; score each version, return the best."""

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    expertise = "You write fast and correct Python, and you know the literature on algorithms."
    message = f"""Here is a program:
```python
{initial_solution}
```

Programs like it are scored by this utility, and higher is better:
```python
{utility.str}
```

Write a program that scores higher, with the same entry function. Think step by step, in words and
without code: what the utility rewards, what the program does now, where it loses, which known
methods fit, and which of them promises most within the limits. Only then give the whole program in
one Python code block."""
    n_responses = min(language_model.max_responses_per_call, utility.budget)
    responses = language_model.prompt(expertise, message, n_responses=n_responses, temperature=0.7)
    solutions = extract_code(responses)
    best_solution = max(solutions, key=utility)
    return best_solution
