"""What a guest can import: these modules and what they import themselves, in every tier.

A fork, and its end, cost some 0.13 ms for each MB of private memory that its zygote has, so this
list is short: asyncio alone is 2.7 MB, and only improvers are likely to want it.
"""

from __future__ import annotations

PRELOADED = (
    "abc", "array", "ast", "base64", "binascii", "bisect", "builtins", "cmath", "collections",
    "collections.abc", "concurrent.futures", "concurrent.futures.thread", "contextlib",
    "contextvars", "copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions",
    "functools", "gc", "hashlib", "heapq", "importlib", "inspect", "io", "itertools", "json",
    "keyword", "linecache", "logging", "math", "numbers", "operator", "os", "pprint", "queue",
    "random", "re", "secrets", "signal", "statistics", "string", "struct", "sys", "textwrap",
    "threading", "time", "timeit", "token", "tokenize", "traceback", "types", "typing",
    "unicodedata", "uuid", "warnings", "weakref", "zlib",
    "encodings.ascii", "encodings.latin_1", "encodings.raw_unicode_escape",
    "encodings.unicode_escape", "encodings.utf_16", "encodings.utf_8_sig",
    "numpy", "numpy.fft", "numpy.linalg", "numpy.polynomial", "numpy.random",
)  # fmt: skip

# What improvers have besides: they wait for answers, candidates compute.
FOR_IMPROVERS = ("asyncio", "argparse", "calendar", "csv", "numpy.ma", "tempfile")

# What is of use with a temporary folder only.
FOR_TEMPORARY_FILES = ("glob", "pathlib", "shutil", "tempfile")
