"""Breed programs: swap functions between two of them, and let the model edit the results."""

import ast
import hashlib
import random

from helpers import extract_code

SIZE = 6


def functions_of(source):
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}
    return {
        node.name: ast.get_source_segment(source, node)
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def swap_in(first, second):
    """`first`, with one of the functions that both have taken from `second`."""
    ours, theirs = functions_of(first), functions_of(second)
    shared = [name for name in ours if name in theirs and ours[name] != theirs[name]]
    if not shared:
        return first
    name = random.choice(shared)
    return first.replace(ours[name], theirs[name])


class Scorer:
    def __init__(self, utility):
        self._utility = utility
        self._values = {}

    def __call__(self, source):
        digest = hashlib.sha256(source.encode()).hexdigest()
        if digest not in self._values:
            self._values[digest] = self._utility(source)
        return self._values[digest]


def pick(pool, score):
    return max(random.sample(pool, min(2, len(pool))), key=score)


def improve_algorithm(initial_solution, utility, language_model):
    score = Scorer(utility)
    pool = [initial_solution]
    for _ in range(language_model.budget):
        messages = []
        for _ in range(language_model.max_responses_per_call):
            source = swap_in(pick(pool, score), pick(pool, score))
            messages.append(
                "Make one change to this program that could raise its score.\n"
                f"```python\n{source}\n```\n"
                f"How the score is found:\n```python\n{utility.str}\n```\n"
                "Return all of the program, changed, in a code block."
            )
        replies = language_model.batch_prompt("You edit Python programs.", messages, 0.9)
        pool += [code for code in extract_code(replies) if code]
        pool = sorted(pool, key=score, reverse=True)[:SIZE]
    return max(pool, key=score)
