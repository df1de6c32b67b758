"""Sends to a daemon's abstract socket from a pair of its own, which it may have."""
# family: network

import sys

from attack import attempted, facts


def algorithm(question):
    socket = sys.modules.get("socket") or __import__("socket")
    attempted()
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return left.sendto(b"hello", "\0" + facts["abstract_datagrams"]) > 0
