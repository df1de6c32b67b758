"""Tries to listen for connections."""

import sys


def algorithm(facts):
    socket = sys.modules.get("socket") or __import__("socket")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        return True
