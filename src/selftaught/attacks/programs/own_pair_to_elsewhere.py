"""Sends to a daemon's abstract socket from a pair of its own, which it may have."""
# family: network

from attack import attempted, facts, module


def algorithm(question):
    socket = module("socket")
    attempted()
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return left.sendto(b"hello", "\0" + facts["abstract_datagrams"]) > 0
