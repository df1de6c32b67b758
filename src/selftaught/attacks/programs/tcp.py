"""Connects over TCP to a server on the host's loopback."""
# family: network

import sys

from attack import attempted, facts


def algorithm(question):
    socket = sys.modules.get("socket") or __import__("socket")
    attempted()
    with socket.create_connection(("127.0.0.1", facts["tcp_port"]), timeout=2):
        return True
