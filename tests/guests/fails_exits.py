"""Leaves with SystemExit, which is no Exception."""

import sys


def algorithm(*args):
    sys.exit(0)
