"""Starts a process, and a connection of its own."""

import socket
import subprocess


def algorithm(*args):
    socket.create_connection(("192.0.2.1", 80))
    return subprocess.run(["id"], capture_output=True, check=False).stdout
