"""Listens for connections."""
# family: network

import sys

from attack import attempted


def algorithm(question):
    socket = sys.modules.get("socket") or __import__("socket")
    attempted()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        return True
