"""Passes an open file over a socket, as one process hands its rights to another."""
# family: network

import array
import os

from attack import attempted, module


def algorithm(question):
    socket = module("socket")
    left, right = socket.socketpair()
    end, _ = os.pipe()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end]))]
    attempted()
    left.sendmsg([b"x"], rights)
    return len(right.recvmsg(1, socket.CMSG_LEN(4))[1]) == 1
