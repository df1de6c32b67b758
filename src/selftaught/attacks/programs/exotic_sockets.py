"""Opens sockets of any family and kind."""
# family: network

from attack import attempted, module


def algorithm(question):
    socket = module("socket")
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
