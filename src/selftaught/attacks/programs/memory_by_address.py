"""Reads the bytes of the answer in memory, by the address of an object that holds it."""
# family: hidden answers

import sys

from attack import attempted, module


def algorithm(question):
    ctypes = module("ctypes")
    attempted()
    frame = sys._getframe(1)
    while frame is not None:
        for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
            if isinstance(value, dict) and "answer" in value:
                text = ctypes.string_at(id(value["answer"]), sys.getsizeof(value["answer"]))
                digits = [int.from_bytes(text[i : i + 4], "little") for i in (24, 28, 32)]
                return digits[0] + (digits[1] << 30) + (digits[2] << 60 if len(text) > 32 else 0)
        frame = frame.f_back
    return 0
