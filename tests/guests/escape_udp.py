"""Tries to send a datagram, as a DNS question would go."""

import sys


def algorithm(facts):
    socket = sys.modules.get("socket") or __import__("socket")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"a question", ("127.0.0.1", 53)) > 0
