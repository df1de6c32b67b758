from helpers import extract_code

SYSTEM = "You are a world-class algorithm engineer. You reason explicitly and check your reasoning."

USER = """Consider this program.

```python
%s
```

Consider how it is scored.

```python
%s
```

First, under the heading ANALYSIS, find out what limits the score.
Second, under the heading BRAINSTORM, write down five directions, however wild.
Third, under the heading DECISION, choose one and say why the others are worse.
Fourth, under the heading PROGRAM, write the complete new program in a Python code block."""


def improve_algorithm(initial_solution, utility, language_model):
    code = None
    # Ask again only if there was no program in the answer.
    while code is None and language_model.times_used < language_model.budget:
        answer = language_model.prompt(SYSTEM, USER % (initial_solution, utility.str))
        code = extract_code(answer[0]) if answer else None
    return code if code is not None else initial_solution
