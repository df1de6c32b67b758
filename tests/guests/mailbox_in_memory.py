"""Leaves a message for the next program in modules, builtins and the environment."""

import builtins
import os
import sys

import numpy


def algorithm(message):
    places = (builtins, sys, numpy, os)
    found = [getattr(place, "mailbox", None) for place in places]
    found.append(os.environ.get("MAILBOX"))
    found.append(sys.modules.get("mailbox_module"))
    for place in places:
        place.mailbox = message
    os.environ["MAILBOX"] = message
    sys.modules["mailbox_module"] = message
    return found
