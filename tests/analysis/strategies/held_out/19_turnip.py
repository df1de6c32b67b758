import ast
import random

from helpers import extract_code


def function_names(source):
    try:
        nodes = ast.parse(source).body
    except (SyntaxError, ValueError):
        return []
    return [node.name for node in nodes if isinstance(node, ast.FunctionDef)]


def improve_algorithm(initial_solution, utility, language_model):
    working = initial_solution
    working_value = first_value = utility(working)
    archive = {working: working_value}
    todo = []
    tolerance = 0.15

    for _ in range(language_model.budget):
        # Go through the functions in random order; start over when through.
        todo = [name for name in todo if name in function_names(working)]
        if not todo:
            todo = function_names(working) or ["algorithm"]
            random.shuffle(todo)
        name = todo.pop()

        message = f"""In the program below, improve the function `{name}`. Leave the rest alone.

```python
{working}
```

The program is rated by

```python
{utility.str}
```

Return the program with the new `{name}`, in one block."""
        programs = extract_code(
            language_model.prompt(
                "You are a patient craftsman of code.",
                message,
                n_responses=language_model.max_responses_per_call,
                temperature=0.8,
            )
        )
        programs = [program for program in programs if program]
        if not programs:
            continue
        ratings = dict(zip(programs, utility.map(programs), strict=True))
        archive.update(ratings)
        program = max(ratings, key=ratings.get)

        # What is a little worse today may be a way out of a dead end.
        if ratings[program] >= working_value - tolerance * abs(first_value):
            working, working_value = program, ratings[program]
        tolerance *= 0.5

    return max(archive, key=archive.get)
