"""Tries to read a file that the host's user planted."""


def algorithm(facts):
    with open(facts["secret_file"]) as file:
        return "the planted secret" in file.read()
