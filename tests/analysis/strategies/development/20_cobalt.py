import random
from statistics import fmean

from helpers import extract_code

OPERATORS = {
    "edit": "Change one thing in this program that keeps it from scoring higher.",
    "marry": "Write one program that has the better traits of both of these programs.",
    "prune": "Simplify this program; what does not help the score has to go.",
}
CURIOSITY = 0.25


def roulette(pool):
    lowest = min(value for value, _ in pool)
    weights = [value - lowest + 1e-6 for value, _ in pool]
    return random.choices(pool, weights=weights)[0]


def choose(gains):
    untried = [name for name in OPERATORS if not gains[name]]
    if untried:
        return random.choice(untried)
    if random.random() < CURIOSITY:
        return random.choice(list(OPERATORS))
    return max(OPERATORS, key=lambda name: fmean(gains[name]))


def write_prompt(name, parents, utility):
    blocks = "\n".join(f"```python\n{code}\n```" for _, code in parents)
    return (
        f"{OPERATORS[name]}\n\n{blocks}\n\nThe score is this function's result:\n"
        f"```python\n{utility.str}\n```\nReply with a full program in one fenced block."
    )


def improve_algorithm(initial_solution, utility, language_model):
    gains = {name: [] for name in OPERATORS}
    pool = [(utility(initial_solution), initial_solution)]
    rounds = language_model.budget
    for turn in range(rounds):
        jobs = []
        for _ in range(language_model.max_responses_per_call):
            name = choose(gains)
            parents = [roulette(pool) for _ in range(2 if name == "marry" else 1)]
            jobs.append((name, parents))
        replies = language_model.batch_prompt(
            "You are a master of Python.",
            [write_prompt(name, parents, utility) for name, parents in jobs],
            temperature=1.0 - 0.6 * turn / max(1, rounds - 1),
        )
        newborn = []
        for (name, parents), code in zip(jobs, extract_code(replies), strict=False):
            if code is None:
                gains[name].append(0.0)
                continue
            value = utility(code)
            gains[name].append(max(0.0, value - max(v for v, _ in parents)))
            newborn.append((value, code))
        pool = sorted(pool + newborn, key=lambda item: item[0], reverse=True)[:8]
    return pool[0][1]
