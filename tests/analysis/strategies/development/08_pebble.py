import heapq
import itertools

from helpers import extract_code

TEMPLATE = """I have a program:

```python
{program}
```

and this code that says how good a program is (it returns a number, more is better):

```python
{scoring}
```

This is attempt {number} of {total}. Please write an improved version of the program, with the same
function signature. Put all of it in one ```python block."""


def improve_algorithm(initial_solution, utility, language_model):
    temperature = 0.7
    tickets = itertools.count()
    frontier = []  # priority queue with the best at the top

    # Iteratively refine: each round expands the search further.
    for number in range(1, language_model.budget + 1):
        message = TEMPLATE.format(
            program=initial_solution,
            scoring=utility.str,
            number=number,
            total=language_model.budget,
        )
        replies = language_model.prompt(
            "You are a senior Python developer.",
            message,
            n_responses=min(5, language_model.max_responses_per_call),
            temperature=temperature,
        )
        for candidate in extract_code(replies):
            if candidate is None or "def " not in candidate:
                continue
            heapq.heappush(frontier, (-utility(candidate), next(tickets), candidate))

    heapq.heappush(frontier, (-utility(initial_solution), next(tickets), initial_solution))
    return heapq.heappop(frontier)[-1]
