"""Tries to be scored by its exception, and by its exit."""


class Score(BaseException):
    value = 1e9

    def __float__(self):
        return 1e9


def cheat(honest, *args):
    raise Score(1e9)
