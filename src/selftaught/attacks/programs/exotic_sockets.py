"""Opens sockets of any family and kind."""
# family: network

import sys

from attack import attempted


def algorithm(question):
    socket = sys.modules.get("socket") or __import__("socket")
    attempted()
    for family in range(46):
        for kind in (1, 2, 3, 5):
            for protocol in (0, 15):
                try:
                    socket.socket(family, kind, protocol)
                    return True
                except OSError:
                    pass
    return False
