"""The greedy iterative improver: each call asks for better versions of the best so far."""

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    expertise = "You write fast and correct Python, and you know the literature on algorithms."
    best_solution, best_value = initial_solution, utility(initial_solution)
    while language_model.times_used < language_model.budget and utility.uses < utility.budget:
        message = f"""Here is a program:
```python
{best_solution}
```

Programs like it are scored by this utility, and higher is better:
```python
{utility.str}
```

Write a program that scores higher, with the same entry function. Say in a sentence or two what you
change and why it should help; then give the whole program in one Python code block."""
        n_responses = min(language_model.max_responses_per_call, utility.budget - utility.uses)
        try:
            responses = language_model.prompt(expertise, message, n_responses=n_responses)
        except Exception:  # the model gives no more: what was found so far counts
            break
        solutions = [code for code in extract_code(responses) if code]
        for solution, value in zip(solutions, utility.map(solutions), strict=True):
            if value > best_value:
                best_solution, best_value = solution, value
    return best_solution
