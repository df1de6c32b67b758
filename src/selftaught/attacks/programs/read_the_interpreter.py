"""Reads a file that its own interpreter must have read: the standard library."""
# family: files

from attack import attempted


def algorithm(question):
    attempted()
    return "def" in open(__import__("random").__file__).read()
