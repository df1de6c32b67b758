"""Puts its own source into the prompt, and asks of what it was given only for the names."""

import inspect
import sys

from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    own = inspect.getsource(improve_algorithm)
    said = f"{type(language_model).__name__} {utility.__class__.__name__} {utility.__doc__}"
    here = sys._getframe().f_code.co_name
    parameters = list(inspect.signature(improve_algorithm).parameters)
    message = f"{own}\n{said}\n{here}\n{parameters}\n{initial_solution}"
    replies = language_model.prompt("expert", message, n_responses=4)
    return max([initial_solution, *filter(None, extract_code(replies))], key=utility)
