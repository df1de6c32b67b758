"""The strategies: what each is, and what it is taken for and is not.

Rules, a judge and whoever reads their findings go by the same words.
"""

from __future__ import annotations

from typing import NamedTuple


class Rubric(NamedTuple):
    """What shows a strategy, and what does not."""

    shown_by: str
    not_by: str


# In the order in which they are shown.
RUBRICS: dict[str, Rubric] = {
    "beam_search": Rubric(
        "the best few are kept, or wait in a frontier, and each is expanded",
        "several kept only to rank, show or merge them",
    ),
    "tree_search": Rubric(
        "programs wait in a frontier, or hang in a tree, to be expanded",
        "a list of results that nothing is expanded from",
    ),
    "genetic_algorithm": Rubric(
        "parents are drawn by chance from a pool selected by score",
        "the top few, each expanded in turn, without chance or crossover",
    ),
    "simulated_annealing": Rubric(
        "a worse program is accepted, ever more seldom",
        "a chance that stays the same, or the temperature of the model",
    ),
    "local_search": Rubric(
        "small changes of one current program are asked for",
        "a pool of programs, or changes of any size",
    ),
    "iteration_from_incumbent": Rubric(
        "each prompt for a program holds the best one so far",
        "the first program again and again, or the latest whatever it is worth",
    ),
    "decomposition": Rubric(
        "a prompt asks for one part of the program",
        "aspects of the whole, such as speed or corner cases",
    ),
    "ensemble": Rubric(
        "several candidates become one program",
        "the crossover of two parents, or the best of several",
    ),
    "prompt_bandit": Rubric(
        "words of a prompt are chosen by the scores they earned",
        "fixed, rotating or random words, or a bandit over programs",
    ),
    "solution_bandit": Rubric(
        "the program to go on from has the best upper bound", "the one of the best score"
    ),
    "epsilon_greedy": Rubric(
        "by a small chance a random choice, else the best", "a choice by chance alone"
    ),
    "temperature_schedule": Rubric(
        "the temperature changes in the course of the run",
        "cold for reviews and warm for programs",
    ),
    "varied_prompts": Rubric(
        "prompts take their words from a list", "one prompt whose program alone changes"
    ),
    "caching": Rubric(
        "an equal program is looked up, or dropped, before it is scored",
        "a record that nothing looks up",
    ),
    "self_tests": Rubric(
        "candidates are checked before they are scored",
        "missing code dropped, or a review that only goes into the next prompt",
    ),
    "early_stop": Rubric("it stops by what scores have come to", "a budget that is used up"),
    "multithreading": Rubric(
        "requests or scorings run at the same time",
        "utility.map or batch_prompt, or a thread for a time limit",
    ),
}
