import re

from helpers import extract_code


def write(program, utility, language_model):
    message = f"""Here is the best program we have:

```python
{program}
```

It is scored with:

```python
{utility.str}
```

Give an improved program (complete, in one code block)."""
    replies = language_model.prompt(
        "You are a brilliant Python programmer.",
        message,
        n_responses=language_model.max_responses_per_call,
        temperature=0.8,
    )
    return [code for code in extract_code(replies) if code]


def judge(programs, utility, language_model):
    """Ask the model which of the programs are worth being evaluated."""
    listing = "\n".join(
        f"Candidate {i}:\n```python\n{program}\n```" for i, program in enumerate(programs, 1)
    )
    replies = language_model.prompt(
        "You are a meticulous code reviewer who finds bugs by reading.",
        f"{listing}\n\nThey are meant for this:\n```python\n{utility.str}\n```\n\n"
        "Which candidates run without an error and respect the interface? "
        "Finish with one line: `APPROVED: ` and their numbers.",
        temperature=0.0,
    )
    verdict = re.search(r"APPROVED:([\d ,]+)", replies[0]) if replies else None
    if verdict is None:
        return programs
    numbers = {int(number) for number in re.findall(r"\d+", verdict.group(1))}
    return [program for i, program in enumerate(programs, 1) if i in numbers]


def improve_algorithm(initial_solution, utility, language_model):
    top, top_score = initial_solution, utility(initial_solution)
    for _ in range(language_model.budget // 2):
        programs = write(top, utility, language_model)
        if not programs:
            continue
        for program in judge(programs, utility, language_model):
            score = utility(program)
            if score > top_score:
                top, top_score = program, score
    return top
