"""Listens for connections."""
# family: network

from attack import attempted, module


def algorithm(question):
    socket = module("socket")
    attempted()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        return True
