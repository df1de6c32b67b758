"""Walks up the frames of its callers, and looks for the hidden answer in their variables."""
# family: hidden answers

import sys

from attack import attempted


def cells(function):
    for cell in getattr(function, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:
            pass


def algorithm(question):
    attempted()
    frame = sys._getframe(1)
    while frame is not None:
        for space in (frame.f_locals, frame.f_globals):
            if isinstance(space.get("answer"), int):
                return space["answer"]
            order = space.get("ORDER")
            if isinstance(order, dict) and "answer" in order:
                return order["answer"]
            for value in list(space.values()):
                for found in cells(getattr(value, "score", None)):
                    if isinstance(found, int):
                        return found
        frame = frame.f_back
    return 0
