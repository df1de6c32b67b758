"""Runs programs in an interpreter of their own."""

import subprocess

import helpers


def improve_algorithm(initial_solution, utility, language_model):
    responses = language_model.prompt("expert", utility.str + initial_solution, n_responses=6)
    best = initial_solution
    for code in filter(None, helpers.extract_code(responses)):
        try:
            subprocess.run(["python3", "-c", code], check=True, timeout=5)
        except (OSError, subprocess.SubprocessError):
            pass
        best = max([best, code], key=utility)
    return best
