"""Sends a datagram, as a DNS question would go."""
# family: network

from attack import attempted, facts, module


def algorithm(question):
    socket = module("socket")
    attempted()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"a question", ("127.0.0.1", facts["udp_port"])) > 0
