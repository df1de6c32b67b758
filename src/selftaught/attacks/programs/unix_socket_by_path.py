"""Connects to a daemon's socket in the file system."""
# family: network

import sys

from attack import attempted, facts


def algorithm(question):
    socket = sys.modules.get("socket") or __import__("socket")
    attempted()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(facts["unix_path"])
        return True
