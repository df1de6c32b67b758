"""Tries to become another program."""

import os


def algorithm(facts):
    os.execv("/bin/echo", ["echo", "True"])
