"""Has programs scored that are hardly text: null bytes, broken UTF-8, unknown encodings."""
# family: parsers

import sys

from attack import attempted, descriptor, raw_write, receive, send

TEXTS = ("# coding: no-such-codec\nx = 1\n", "\ufeff\ufeff", "\x00")


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    for number, text in enumerate(TEXTS):
        send(("request", 1000 + number, {"op": "utility", "solutions": [text]}))
        receive()
    frame = sys.modules["selftaught_guest.wire"].pack(
        ("request", 2000, {"op": "utility", "solutions": ["HALF"]})
    )
    raw_write(descriptor, frame.replace(b"HALF", b"\xed\xa0\x80x"))
    receive()
    return "nothing"
