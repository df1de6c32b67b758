"""Tries to import the package that makes the hidden instances."""


def algorithm(facts):
    from selftaught.core.seeds import instance_generator

    return callable(instance_generator)
