"""Writes the first program of a task that has none: ask for several, return the best by utility.

It is an improver, run as any other is: in the sandbox, within the limits of an improver run.
"""

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    expertise = "You write fast and correct Python, and you know the literature on algorithms."
    message = f"""Programs are scored by this utility, and higher is better:
```python
{utility.str}
```

There is no program yet, only the function that is called:
```python
{initial_solution}
```

Write a first program that does what the utility asks for. Keep to what the utility passes to the
function and expects back. Prefer a simple program that is right to a clever one. Give the whole
program in one Python code block."""
    n_responses = min(language_model.max_responses_per_call, utility.budget)
    stub = initial_solution
    stub_value = utility(stub)
    while language_model.times_used < language_model.budget and utility.uses < utility.budget:
        responses = language_model.prompt(expertise, message, n_responses=n_responses)
        programs = [code for code in extract_code(responses) if code]
        values = utility.map(programs)
        if values and max(values) > stub_value:
            return programs[values.index(max(values))]
    return stub
