"""Sends a datagram, as a DNS question would go."""
# family: network

import sys

from attack import attempted, facts


def algorithm(question):
    socket = sys.modules.get("socket") or __import__("socket")
    attempted()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"a question", ("127.0.0.1", facts["udp_port"])) > 0
