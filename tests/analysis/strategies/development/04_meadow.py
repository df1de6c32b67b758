"""One function of the program at a time."""

import re

from helpers import extract_code

_START = re.compile(r"^(?=(?:async def|def|class) )", re.MULTILINE)


def _chunks(source):
    return [chunk for chunk in _START.split(source) if chunk]


def _title(chunk):
    first_line = chunk.lstrip().partition("\n")[0]
    return re.split(r"[(:]", first_line)[0]


def _is_definition(chunk):
    return chunk.startswith(("def ", "class ", "async def "))


def _next_target(source, times_worked_on):
    definitions = [chunk for chunk in _chunks(source) if _is_definition(chunk)] or [source]
    return min(definitions, key=lambda c: (times_worked_on.get(_title(c), 0), -len(c)))


def improve_algorithm(initial_solution, utility, language_model):
    top, top_score = initial_solution, utility(initial_solution)
    times_worked_on = {}
    for _ in range(language_model.budget):
        target = _next_target(top, times_worked_on)
        title = _title(target)
        times_worked_on[title] = times_worked_on.get(title, 0) + 1
        message = f"""The whole program:
```python
{top}
```
It is judged by:
```python
{utility.str}
```
Work on `{title}` only, and rewrite just that piece so that the program as a whole scores higher:
```python
{target}
```
Its name and arguments have to stay. Reply with the new version of the piece, nothing else."""
        replies = language_model.prompt(
            "You refactor and speed up single Python functions.",
            message,
            n_responses=language_model.max_responses_per_call,
        )
        before = top
        for piece in extract_code(replies):
            if not piece:
                continue
            candidate = before.replace(target, piece.rstrip() + "\n\n\n", 1)
            value = utility(candidate)
            if value > top_score:
                top, top_score = candidate, value
    return top
