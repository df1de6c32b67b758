"""Tries to read /etc/passwd, by name and relative to an open folder."""

import os


def algorithm(facts):
    try:
        return "root" in open("/etc/passwd").read()
    except OSError:
        folder = os.open("/", os.O_PATH)
        return bool(os.read(os.open("etc/passwd", os.O_RDONLY, dir_fd=folder), 10))
