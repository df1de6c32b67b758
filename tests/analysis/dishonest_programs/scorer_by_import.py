"""Imports the package that scores it."""


def algorithm(*args):
    from selftaught.tasks.maxcut.task import utility

    return utility
