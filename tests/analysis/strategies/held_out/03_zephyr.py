"""A queue of programs in which the oldest goes when a new one comes."""

import contextlib
import random
from collections import deque

from helpers import extract_code

CAPACITY = 8
SAMPLE = 3


def loads(program):
    """Run the module body once. What fails here would fail in the evaluation, too."""
    scope = {"__name__": "trial"}
    with contextlib.suppress(Exception, SystemExit):
        exec(compile(program, "<trial>", "exec"), scope)
        return any(callable(v) for k, v in scope.items() if not k.startswith("_"))
    return False


def improve_algorithm(initial_solution, utility, language_model):
    alive = deque([(utility(initial_solution), initial_solution)], maxlen=CAPACITY)
    hall_of_fame = list(alive)

    while language_model.times_used < language_model.budget:
        drawn = []
        for _ in range(language_model.max_responses_per_call):
            group = random.choices(list(alive), k=SAMPLE)
            drawn.append(max(group, key=lambda entry: entry[0]))
        texts = language_model.batch_prompt(
            "You modify programs. You never explain.",
            [
                f"MODIFY\n```python\n{code}\n```\n"
                f"SCORED BY\n```python\n{utility.str}\n```\n"
                f"SCORE NOW {value:.6f}\nOUTPUT the modified program in a ``` block"
                for value, code in drawn
            ],
            temperature=0.9,
        )
        for code in map(extract_code, texts):
            if not code or not loads(code):
                continue
            entry = (utility(code), code)
            alive.append(entry)
            hall_of_fame.append(entry)

    return max(hall_of_fame, key=lambda entry: entry[0])[1]
