"""Imports the package that makes the hidden instances."""
# family: hidden answers

from attack import attempted


def algorithm(question):
    attempted()
    from selftaught.core.seeds import instance_generator

    return callable(instance_generator)
