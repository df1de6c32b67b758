"""Reads a file that the host's user planted."""
# family: files

from attack import attempted, facts


def algorithm(question):
    attempted()
    with open(facts["secret_file"]) as file:
        return facts["secret"] in file.read()
