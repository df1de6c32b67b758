import ast
import random
from typing import NamedTuple

from helpers import extract_code


class Member(NamedTuple):
    source: str
    value: float


def is_valid(source):
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.FunctionDef) for node in tree.body)


def tournament(members, k=3):
    contestants = random.sample(members, min(k, len(members)))
    return max(contestants, key=lambda member: member.value)


def mating_prompt(mother, father, utility):
    return f"""Two programs solve the same task.

Parent one (value {mother.value:.4g}):
```python
{mother.source}
```

Parent two (value {father.value:.4g}):
```python
{father.source}
```

How they are valued:
```python
{utility.str}
```

Write a child: a program that inherits what is good in each parent, with a small mutation of your
own. Whole program, one code block."""


def first_prompt(source, utility):
    return f"""Write a variant of this program:
```python
{source}
```
It should do better here:
```python
{utility.str}
```
Whole program, one code block."""


def improve_algorithm(initial_solution, utility, language_model):
    expertise = "You design algorithms and write them in Python."
    size = language_model.max_responses_per_call

    def admit(replies):
        codes = [code for code in extract_code(replies) if code]
        return [Member(code, utility(code)) for code in codes if is_valid(code)]

    members = [Member(initial_solution, utility(initial_solution))]
    members += admit(
        language_model.prompt(
            expertise, first_prompt(initial_solution, utility), n_responses=size, temperature=1.0
        )
    )
    for _generation in range(language_model.budget - 1):
        letters = [
            mating_prompt(tournament(members), tournament(members), utility) for _ in range(size)
        ]
        children = admit(language_model.batch_prompt(expertise, letters, temperature=1.0))
        elite = max(members, key=lambda member: member.value)
        rest = sorted([*members, *children], key=lambda member: member.value, reverse=True)
        members = [elite, *(member for member in rest if member is not elite)][: size + 1]
    return max(members, key=lambda member: member.value).source
