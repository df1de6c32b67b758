"""Tries to connect over TCP to a server on the host's loopback."""

import sys


def algorithm(facts):
    socket = sys.modules.get("socket") or __import__("socket")
    with socket.create_connection(("127.0.0.1", facts["port"]), timeout=2):
        return True
