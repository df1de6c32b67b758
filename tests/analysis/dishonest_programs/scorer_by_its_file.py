"""Reads the task from the package's own files."""

import pathlib


def algorithm(*args):
    text = pathlib.Path("/usr/lib/selftaught/tasks/maxcut/task.py").read_text()
    return open("task.py").read() + text  # noqa: PTH123
