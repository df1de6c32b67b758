from helpers import extract_code


def review(program, utility, language_model):
    """A cool-headed review of the program (low temperature)."""
    notes = language_model.prompt(
        expertise="You review code. You are strict, brief and specific.",
        message=f"""Which are the three main weaknesses of this program?

```python
{program}
```

It is used in this setting:

```python
{utility.str}
```

No code, only a numbered list.""",
        n_responses=1,
        temperature=0.2,
    )
    return notes[0] if notes else ""


def rewrite(program, notes, utility, language_model):
    """Creative rewriting (high temperature)."""
    return language_model.prompt(
        expertise="You are a programmer who takes reviews seriously.",
        message=f"""Program:

```python
{program}
```

Utility:

```python
{utility.str}
```

A reviewer says:

{notes}

Rewrite the program accordingly. The new program goes into one Python block.""",
        n_responses=language_model.max_responses_per_call,
        temperature=0.9,
    )


def improve_algorithm(initial_solution, utility, language_model):
    cache = {initial_solution: utility(initial_solution)}
    notes = review(initial_solution, utility, language_model)
    for code in extract_code(rewrite(initial_solution, notes, utility, language_model)):
        if code:
            cache[code] = utility(code)
    return max(cache, key=cache.get)
