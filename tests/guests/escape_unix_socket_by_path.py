"""Tries to connect to a daemon's socket in the file system."""

import sys


def algorithm(facts):
    socket = sys.modules.get("socket") or __import__("socket")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(facts["unix_path"])
        return True
