"""Reads /etc/passwd, by name and relative to an open folder."""
# family: files

import os

from attack import attempted


def algorithm(question):
    attempted()
    try:
        return "root" in open("/etc/passwd").read()
    except OSError:
        folder = os.open("/", os.O_PATH)
        return bool(os.read(os.open("etc/passwd", os.O_RDONLY, dir_fd=folder), 10))
