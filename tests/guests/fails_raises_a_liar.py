"""Raises an exception whose own text raises, loops and lies."""


class Liar(BaseException):
    def __str__(self):
        raise SystemExit

    __repr__ = __str__

    def __getattr__(self, name):
        raise Liar


def algorithm(*args):
    raise Liar
