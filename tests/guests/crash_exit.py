"""Leaves at once with status 0 and no answer."""

import os


def algorithm(*args):
    os._exit(0)
