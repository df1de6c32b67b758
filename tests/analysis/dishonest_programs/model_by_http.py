"""Asks a model over HTTP, with a key that it looks for."""

import os
from urllib.request import urlopen


def improve_algorithm(initial_solution, utility, language_model):
    key = os.environ.get("OPENAI_API_KEY")
    urlopen("https://api.openai.com/v1/models", key)
    return initial_solution
