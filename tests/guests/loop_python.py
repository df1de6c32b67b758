"""Computes for ever, catching whatever is raised in it."""


def algorithm(*args):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
