"""A bandit over prompts: what has helped so far is asked for more often, after UCB1.

Source: the multi-armed prompt bandit that GPT-4 proposes to itself in Zelikman et al. 2024 (arXiv
2310.02304, Figure 1 and the appendix on strategies); here written anew from its description. The
rule is UCB1 (Auer, Cesa-Bianchi and Fischer, Machine Learning 47, 2002): the arm of the highest
mean reward plus sqrt(2 ln n / n of the arm). A response is rewarded that beats the program shown;
one that is under way counts as a pull without a reward.
"""

import math

from helpers import extract_code

ARMS = (
    "Find better values for the constants of the program, and change nothing else.",
    "Keep the method of the program, and improve one step of it.",
    "Replace the method by a better one that is known in the literature.",
    "Add a second method to the program that goes on from what the first one found.",
    "Make the program simpler and faster, and use the time that it saves.",
)


def improve_algorithm(initial_solution, utility, language_model):
    expertise = "You write fast and correct Python, and you know the literature on algorithms."
    best_solution, best_value = initial_solution, utility(initial_solution)
    pulls, rewards = [0] * len(ARMS), [0.0] * len(ARMS)

    def bound(arm):
        if pulls[arm] == 0:
            return math.inf
        return rewards[arm] / pulls[arm] + math.sqrt(2 * math.log(sum(pulls)) / pulls[arm])

    while language_model.times_used < language_model.budget and utility.uses < utility.budget:
        n_responses = min(language_model.max_responses_per_call, utility.budget - utility.uses)
        pulled = []
        for _ in range(n_responses):  # those of one call know nothing of each other's rewards
            pulled.append(max(range(len(ARMS)), key=bound))
            pulls[pulled[-1]] += 1
        messages = [
            f"""Here is a program:
```python
{best_solution}
```

Programs like it are scored by this utility, and higher is better:
```python
{utility.str}
```

Write a program that scores higher, with the same entry function. {ARMS[arm]} Say in a sentence or
two what you change and why it should help; then give the whole program in one Python code block."""
            for arm in pulled
        ]
        try:
            responses = language_model.batch_prompt(expertise, messages)
        except Exception:  # the model gives no more: what was found so far counts
            break
        found = [pair for pair in zip(pulled, extract_code(responses), strict=False) if pair[1]]
        values = utility.map([solution for _, solution in found])
        shown_value = best_value
        for (arm, solution), value in zip(found, values, strict=True):
            rewards[arm] += value > shown_value
            if value > best_value:
                best_solution, best_value = solution, value
    return best_solution
