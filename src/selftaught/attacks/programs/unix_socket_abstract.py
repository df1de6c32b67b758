"""Connects to a daemon's socket in the abstract namespace."""
# family: network

from attack import attempted, facts, module


def algorithm(question):
    socket = module("socket")
    attempted()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + facts["abstract_name"])
        return True
