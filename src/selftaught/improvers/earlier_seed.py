"""The earlier seed improver: one call after the other, each for one version of the same program.

Source: Zelikman et al. 2024 (arXiv 2310.02304), whose appendix shows an earlier seed improver; here
written anew from its description. It asks as the seed improver does, and waits for each response.
"""

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
    best_solution, best_value = initial_solution, utility(initial_solution)
    while language_model.times_used < language_model.budget and utility.uses < utility.budget:
        try:
            solution = extract_code(language_model.prompt(expertise, message)[0])
        except Exception:  # the model gives no more: what was found so far counts
            break
        if solution:
            value = utility(solution)
            if value > best_value:
                best_solution, best_value = solution, value
    return best_solution
