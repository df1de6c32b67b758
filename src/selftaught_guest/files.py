"""Programs of several files, each as the one text that is hashed, journalled, shown and sent.

    # ==== file: main.py ====
    from parsing import fields
    ...
    # ==== file: parsing.py ====
    ...

The first line makes it one, and says how many signs mark a head: more than in any line of the
files themselves that looks like a head, so that what a string holds is never taken for one. A text
scan, without a parser, in time linear in its length.
"""

from __future__ import annotations

import itertools
import keyword
import re
import sys
from collections.abc import Collection, Iterable, Mapping

MAIN = "main.py"
MOST_FILES = 100
_MOST_DEEP, _MOST_PATH_CHARS = 8, 200
_MOST_MARKS = 80
_HEAD = re.compile(r"^# (?P<marks>={4,}+) file: (?P<path>[^\n]*?) (?P=marks)$", re.MULTILINE)
_PART = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What a program's own files can never be called: what guests have, or could have.
_TAKEN = sys.stdlib_module_names | {"helpers", "numpy", "program", "selftaught", "selftaught_guest"}


class FilesError(ValueError):
    """A text, or files, that are no program of several files; the message says why."""


def split_files(text: str) -> dict[str, str] | None:
    """The files by path, in their order; None of a program of one file.

    Raises: FilesError if its heads are not as they should be.
    """
    first = _HEAD.match(text)
    if first is None:
        return None
    marks = first["marks"]
    if len(marks) > _MOST_MARKS:
        raise FilesError(f"the head of a file has {len(marks)} marks; at most {_MOST_MARKS}")
    exact = re.compile(rf"^# {marks} file: (?P<path>[^\n]*) {marks}$\n?", re.MULTILINE)
    heads = list(itertools.islice(exact.finditer(text), MOST_FILES + 1))
    check_paths([one["path"] for one in heads])
    ends = [*(one.start() for one in heads[1:]), len(text)]
    return {
        one["path"]: _ended(text[one.end() : end]) for one, end in zip(heads, ends, strict=True)
    }


def join_files(files: Mapping[str, str]) -> str:
    """The one text, the same for the same files in whatever order.

    Raises: FilesError if a path is none that a file of a program can have.
    """
    check_paths(files)
    within = (found["marks"] for text in files.values() for found in _HEAD.finditer(text))
    marks = "=" * max(4, *(len(one) + 1 for one in within), 0)
    if len(marks) > _MOST_MARKS:
        raise FilesError(f"a line of a file looks like a head of {len(marks) - 1} marks")
    return "".join(f"{head(path, marks)}\n{_ended(files[path])}" for path in sorted(files))


def head(path: str, marks: str = "====") -> str:
    return f"# {marks} file: {path} {marks}"


def head_path(line: str) -> str | None:
    """The path of a line that is a head, of whatever marks."""
    found = _HEAD.fullmatch(line)
    return found["path"] if found else None


def known_path(named: str, paths: Collection[str]) -> str | None:
    """Which of these is named; a folder too many before it, or too few, is no matter."""
    if named in paths:
        return named
    there = f"/{named}"
    found = [one for one in paths if f"/{one}".endswith(there) or there.endswith(f"/{one}")]
    return found[0] if named and len(found) == 1 else None


def check_paths(paths: Iterable[str]) -> None:
    """Raises: FilesError if these are no paths of one program's files."""
    known: set[str] = set()
    for path in paths:
        if len(known) == MOST_FILES:
            raise FilesError(f"a program has at most {MOST_FILES} files")
        if path in known:
            raise FilesError(f"{path} is there twice")
        _check_path(path)
        known.add(path)
    for path in known:
        if f"{path.rpartition('/')[0]}.py" in known:
            raise FilesError(f"{path} is in a folder, and there is a file of the folder's name")


def _check_path(path: str) -> None:
    parts = path.removesuffix(".py").split("/", _MOST_DEEP)
    if (
        not path.endswith(".py")
        or len(path) > _MOST_PATH_CHARS
        or len(parts) > _MOST_DEEP
        or not all(_PART.fullmatch(part) and not keyword.iskeyword(part) for part in parts)
    ):
        raise FilesError(
            f"{path!a:.100} is no path of a program's file: folders and a name of letters, digits "
            "and _, ending in .py, such as parsing/lines.py"
        )
    if path == "__init__.py":
        raise FilesError("__init__.py: a program is no package itself: give the folder above it")
    if parts[0] in _TAKEN or parts[0].startswith("__"):
        raise FilesError(f"{path}: {parts[0]} is the name of a module that is there already")


def module_of(path: str) -> str:
    """The name by which a file is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def entry_path(files: Mapping[str, str], entry: str) -> str:
    """The file whose function is called: main.py if it defines the entry, else the only one.

    Raises: FilesError if there is none, or more than one.
    """
    name = re.escape(entry)
    defines = re.compile(
        rf"^(?:(?:async[ \t]++)?def|class)[ \t]++{name}\b|^{name}[ \t]*+(?::[^=\n]*+)?=(?!=)",
        re.MULTILINE,
    )
    found = [path for path, text in files.items() if defines.search(text)]
    if MAIN in found or len(found) == 1:
        return MAIN if MAIN in found else found[0]
    where = f"{' and '.join(found[:4])} do" if found else "none does"
    raise FilesError(f"{MAIN}, or one file alone, has to define {entry!r}: {where}")


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
