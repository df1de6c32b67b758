"""Leaves at once, with the status of success and no answer."""
# family: forged results

import os

from attack import attempted


def algorithm(question):
    attempted()
    os._exit(0)
