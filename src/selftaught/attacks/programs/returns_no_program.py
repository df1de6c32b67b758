"""Returns what is no text: bytes, numbers that are none, 32 MB of it."""
# family: frames

from attack import attempted


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    return b"\xff" * (32 << 20)
