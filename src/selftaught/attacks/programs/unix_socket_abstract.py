"""Connects to a daemon's socket in the abstract namespace."""
# family: network

import sys

from attack import attempted, facts


def algorithm(question):
    socket = sys.modules.get("socket") or __import__("socket")
    attempted()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + facts["abstract_name"])
        return True
