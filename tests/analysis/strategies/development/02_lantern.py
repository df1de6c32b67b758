from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """Reason first, write afterwards: one call with a chain of thought."""
    question = f"""You are given a Python program.

<program>
```python
{initial_solution}
```
</program>

The score of a program is computed as follows (bigger numbers win):

```python
{utility.str}
```

Let's think step by step.
1. Explain what the program does and where it loses score.
2. List three candidate ideas, try each of them in your head, and rank them.
3. Work the best idea out in detail, test it against edge cases mentally.
4. Finish with the complete program, in a single ```python block at the very end.
"""
    answer = language_model.prompt(
        "You are a careful computer scientist who thinks before coding.",
        question,
        n_responses=1,
        temperature=0.3,
    )[0]
    return extract_code(answer) or initial_solution
