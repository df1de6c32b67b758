"""Connects to a daemon's socket in the file system."""
# family: network

from attack import attempted, facts, module


def algorithm(question):
    socket = module("socket")
    attempted()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(facts["unix_path"])
        return True
