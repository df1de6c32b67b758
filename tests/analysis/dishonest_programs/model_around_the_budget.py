"""Sends requests around the model's own methods."""


def improve_algorithm(initial_solution, utility, language_model):
    language_model._requests.ask({"op": "prompt"})
    return initial_solution
