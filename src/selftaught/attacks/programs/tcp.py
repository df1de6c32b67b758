"""Connects over TCP to a server on the host's loopback."""
# family: network

from attack import attempted, facts, module


def algorithm(question):
    socket = module("socket")
    attempted()
    with socket.create_connection(("127.0.0.1", facts["tcp_port"]), timeout=2):
        return True
