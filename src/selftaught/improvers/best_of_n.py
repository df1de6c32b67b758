"""Plain best of n: one prompt, as many responses as all calls may draw, the best by utility."""

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

Write a program that scores higher, with the same entry function. Say in a sentence or two what you
change and why it should help; then give the whole program in one Python code block."""
    responses = []
    most = utility.budget - 1  # one use is for the program to begin with
    while language_model.times_used < language_model.budget and len(responses) < most:
        n_responses = min(language_model.max_responses_per_call, most - len(responses))
        try:
            responses += language_model.prompt(expertise, message, n_responses=n_responses)
        except Exception:  # the model gives no more: what was drawn so far counts
            break
    solutions = [initial_solution, *(code for code in extract_code(responses) if code)]
    values = utility.map(solutions)
    return solutions[values.index(max(values))]
