"""Ways out by sockets: of the internet, of daemons on this machine, and between guests."""

import array
import os

from attack import any_of, attempted, facts, module

socket = module("socket")


def bind_a_name(question):
    """Binds a name that others could connect to: in the abstract namespace and on loopback."""
    mailbox = f"\0selftaught-mailbox-{os.getpid()}"

    def bind(place):
        family, name = place
        with socket.socket(family, socket.SOCK_DGRAM) as server:
            server.bind(name)

    places = (
        (socket.AF_UNIX, mailbox),
        (socket.AF_INET, ("127.0.0.1", 0)),
        (socket.AF_INET6, ("::1", 0)),
    )
    if not any_of(places, bind):
        left, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        left.bind(mailbox)
    return True


def exotic_sockets(question):
    """Opens sockets of any family and kind."""
    return any_of(
        ((family, kind, way) for family in range(46) for kind in (1, 2, 3, 5) for way in (0, 15)),
        lambda what: socket.socket(*what),
    )


def own_pair_to_elsewhere(question):
    """Sends to a daemon's abstract socket from a pair of its own, which it may have."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return left.sendto(b"hello", "\0" + facts["abstract_datagrams"]) > 0


def pass_a_descriptor(question):
    """Passes an open file over a socket, as one process hands its rights to another."""
    left, right = socket.socketpair()
    end, _ = os.pipe()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end]))]
    attempted()
    left.sendmsg([b"x"], rights)
    return len(right.recvmsg(1, socket.CMSG_LEN(4))[1]) == 1


def tcp(question):
    """Connects over TCP to a server on the host's loopback."""
    with socket.create_connection(("127.0.0.1", facts["tcp_port"]), timeout=2):
        return True


def unix_socket_abstract(question):
    """Connects to a daemon's socket in the abstract namespace."""
    return _connected("\0" + facts["abstract_name"])


def unix_socket_by_path(question):
    """Connects to a daemon's socket in the file system."""
    return _connected(facts["unix_path"])


def _connected(address):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(address)
        return True
