"""Leaves a message for the next program in modules, built-ins and the environment."""
# family: siblings
# evaluations: 2

import builtins
import os
import sys

import numpy as np

from attack import attempted


def algorithm(question):
    attempted()
    places = (builtins, sys, os, np, np.random)
    found = [getattr(place, "mailbox", None) for place in places]
    found += [os.environ.get("MAILBOX"), sys.modules.get("mailbox_module")]
    for place in places:
        place.mailbox = "hello"
    os.environ["MAILBOX"] = "hello"
    sys.modules["mailbox_module"] = "hello"
    return any(found)
