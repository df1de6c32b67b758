"""Becomes another program."""
# family: processes

import os

from attack import attempted, facts


def algorithm(question):
    attempted()
    os.execv("/bin/sh", ["sh", "-c", 'echo here > "$0/executed"', facts["folder"]])
