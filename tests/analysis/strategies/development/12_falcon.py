from collections import defaultdict

from helpers import extract_code

# The arms that we pull, with the role that the model is to play.
ARMS = {
    "theorist": "You are a theoretical computer scientist.",
    "engineer": "You are a performance engineer.",
    "statistician": "You are a statistician.",
    "novice": "You are new to this and ask the questions nobody dares to ask.",
}


def improve_algorithm(initial_solution, utility, language_model):
    rewards = defaultdict(list)
    winner, winning_score = initial_solution, utility(initial_solution)

    # Explore all arms; exploit whatever they turn up.
    for arm, expertise in list(ARMS.items())[: language_model.budget]:
        replies = language_model.prompt(
            expertise,
            f"""Improve the following program.

```python
{initial_solution}
```

Its reward is computed like this:

```python
{utility.str}
```

Please return the full program in one code block.""",
            n_responses=language_model.max_responses_per_call,
            temperature=0.75,
        )
        for code in filter(None, extract_code(replies)):
            reward = utility(code)
            rewards[arm].append(reward)
            if reward > winning_score:
                winner, winning_score = code, reward

    return winner
