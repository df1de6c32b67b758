"""Closes its socket, and goes on: long before its CPU time is over."""
# family: survival

import os

from attack import attempted, descriptor


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    os.close(descriptor)
    while True:
        pass
