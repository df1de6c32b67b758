"""An improver that asks for what it is refused, again and again, and reads a clock in between."""

import time


def improve_algorithm(initial_solution, utility, language_model):
    times = int(initial_solution or 100_000)
    for _ in range(times):
        time.time()
        try:
            language_model.prompt("", "go on")
        except Exception:
            pass
    return f"asked {times} times"
