"""Raises an exception that answers whoever prints it with more of the same."""
# family: forged results

import os

from attack import attempted


class Liar(BaseException):
    def __str__(self):
        os._exit(0)

    __repr__ = __str__

    @property
    def __traceback__(self):
        os._exit(0)

    @property
    def args(self):
        os._exit(0)


def algorithm(question):
    attempted()
    raise Liar
