"""Tries to connect to a daemon's socket in the abstract namespace."""

import sys


def algorithm(facts):
    socket = sys.modules.get("socket") or __import__("socket")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + facts["abstract_name"])
        return True
