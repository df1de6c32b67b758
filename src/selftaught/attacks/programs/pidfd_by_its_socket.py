"""Asks its sockets who is at the other end: ids, and a pidfd of that process."""
# family: processes

import socket

from attack import attempted, descriptor


def algorithm(question):
    ours, _ = socket.socketpair()
    peer_credentials, peer_groups, peer_pidfd = 17, 59, 77
    attempted()
    for end in (ours.fileno(), descriptor):
        for option, size in ((peer_pidfd, 4), (peer_credentials, 12), (peer_groups, 4)):
            try:
                with socket.socket(fileno=socket.dup(end)) as asked:
                    asked.getsockopt(socket.SOL_SOCKET, option, size)
                return True
            except OSError:
                pass
    return False
