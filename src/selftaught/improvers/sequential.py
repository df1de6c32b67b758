"""Sequential conditioned sampling: each prompt shows earlier attempts and what they are worth.

Source: the second baseline of Gideoni, Risi and Gal, Simple Baselines are Competitive with Code
Evolution (arXiv 2602.16805). It chooses no parents and keeps no population: one after the other,
as far as the calls suffice for the uses of the utility, several at once where they do not.
"""

from helpers import extract_code

MOST_SHOWN, MOST_SHOWN_CHARS = 8, 60_000


def improve_algorithm(initial_solution, utility, language_model):
    expertise = "You write fast and correct Python, and you know the literature on algorithms."
    attempts = {initial_solution: utility(initial_solution)}
    while language_model.times_used < language_model.budget and utility.uses < utility.budget:
        calls = language_model.budget - language_model.times_used
        uses = utility.budget - utility.uses
        n_responses = min(language_model.max_responses_per_call, -(-uses // calls))
        latest = list(attempts)[-MOST_SHOWN:]
        while len(latest) > 1 and sum(map(len, latest)) > MOST_SHOWN_CHARS:
            del latest[0]
        shown = "\n\n".join(
            f"Scored {attempts[solution]:.6g}:\n```python\n{solution}\n```" for solution in latest
        )
        message = f"""Here are programs that were tried so far, the last one last:

{shown}

Programs like them are scored by this utility, and higher is better:
```python
{utility.str}
```

Write a program that scores higher than all of them, with the same entry function. Say in a sentence
or two what the scores tell you and what you change; then give the whole program in one Python code
block."""
        try:
            responses = language_model.prompt(expertise, message, n_responses=n_responses)
        except Exception:  # the model gives no more: what was found so far counts
            break
        solutions = [code for code in extract_code(responses) if code]
        for solution, value in zip(solutions, utility.map(solutions), strict=True):
            attempts.pop(solution, None)  # it stands where it came last
            attempts[solution] = value
    return max(attempts, key=attempts.get)
