"""Keeps a budget, uses and the like in dicts and namespaces of its own."""

import copy
from types import SimpleNamespace

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    state = {"budget": utility.budget, "uses": 0, "times_used": 0}
    state["uses"] += 1
    state.update(budget=state["budget"] - 1)
    limits = SimpleNamespace(budget=language_model.budget, times_used=0)
    limits.budget = min(limits.budget, 2)
    limits.__dict__["times_used"] = 1
    setattr(limits, "times_used", 2)  # noqa: B010
    earlier = copy.deepcopy(state)
    replies = language_model.prompt("expert", initial_solution, n_responses=earlier["budget"])
    return max([initial_solution, *filter(None, extract_code(replies))], key=utility)
