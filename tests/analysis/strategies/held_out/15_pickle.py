"""Two lines of descent are kept going. How the model is asked depends on what has paid off."""

from collections import Counter
from math import inf, log, sqrt

from helpers import extract_code

WORDINGS = {
    "direct": "Make this program score higher.",
    "expert": "What would the world's best expert change in this program? Do that.",
    "contrarian": "The approach of this program is a dead end. Take another approach.",
}
LINES = 2


def next_wording(asked, paid):
    total = sum(asked.values())

    def promise(name):
        if asked[name] == 0:
            return inf
        return paid[name] / asked[name] + sqrt(log(total) / asked[name])

    return max(WORDINGS, key=promise)


def improve_algorithm(initial_solution, utility, language_model):
    asked, paid = Counter(), Counter()
    lines = [(utility(initial_solution), initial_solution)]
    for _ in range(language_model.budget):
        batch = []
        for i in range(language_model.max_responses_per_call):
            name = next_wording(asked, paid)
            asked[name] += 1
            batch.append((name, *lines[i % len(lines)]))
        replies = language_model.batch_prompt(
            "You program in Python.",
            [
                f"{WORDINGS[name]}\n\n```python\n{code}\n```\n\nThe score:\n\n"
                f"```python\n{utility.str}\n```\n\nReturn one block of code: the program."
                for name, _, code in batch
            ],
        )
        for (name, old_value, _), code in zip(batch, extract_code(replies), strict=False):
            if not code:
                continue
            value = utility(code)
            paid[name] += value > old_value
            lines.append((value, code))
        lines.sort(key=lambda line: line[0], reverse=True)
        lines = lines[:LINES]
    return lines[0][1]
