"""Tries to read a file that its own interpreter must have read: the standard library."""


def algorithm(facts):
    return "def" in open(__import__("random").__file__).read()
