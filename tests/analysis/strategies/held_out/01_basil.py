import math
import random

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    """
    Improves a solution.

    The function remembers two programs: the `record` (the best one so far) and the `draft` (the
    one under discussion). The model sees both in every call. A draft may be replaced by a weaker
    one; the chance of that shrinks with every call.

    Args:
        initial_solution (str): Source code to start from.
        utility (callable): Scores a solution. Has `.str` and `.budget`.
        language_model (object): Has `.prompt(...)`.

    Returns:
        str: Source code of the best solution found.
    """
    role = "You are an AI researcher specialising in code optimisation."
    draft = record = initial_solution
    draft_score = record_score = utility(initial_solution)
    t0 = max(abs(record_score) * 0.3, 1e-3)

    total = language_model.budget
    for k in range(total):
        t = t0 * (1 - k / total)
        request = f"""# Task
Write a solution that gets a higher score than the record.

# Record so far (score: {record_score})
```python
{record}
```

# Current draft (score: {draft_score})
```python
{draft}
```

# Scoring
```python
{utility.str}
```

# Format
One code block with the complete solution."""
        n = min(language_model.max_responses_per_call, utility.budget - utility.uses)
        if n < 1:
            return record
        outputs = language_model.prompt(role, request, n_responses=n, temperature=0.7)
        options = [o for o in map(extract_code, outputs) if o]
        if not options:
            continue
        option = None
        option_score = -math.inf
        for o in options:
            s = utility(o)
            if s > option_score:
                option, option_score = o, s
        if option_score > record_score:
            record, record_score = option, option_score
        delta = option_score - draft_score
        if delta > 0 or random.random() < math.exp(delta / t):
            draft, draft_score = option, option_score
    return record
