"""A program: its source text and the function to call in it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from selftaught_guest.files import FilesError, check_paths, entry_path, join_files, split_files

SOLUTION_ENTRY = "algorithm"
IMPROVER_ENTRY = "improve_algorithm"
# What an improver hands on is hashed, journalled and sent to guests again and again.
MAX_PROGRAM_CHARS = 1 << 20
# How the program of a reply is found: 1, it is the largest block; 2, it defines the entry. Since 3,
# prompts show a part that can be read of a program which they have no room for.
REPLY_SCHEME = 3


def content_id(text: str) -> str:
    """The content hash by which texts are stored and named: 32 hexadecimal digits of SHA-256.

    Lone surrogates are hashed as they are, so that any text a model returns has an id.
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def too_long(source: str) -> str:
    """What is wrong with a text above `MAX_PROGRAM_CHARS`."""
    return f"a program of {len(source):,} characters; at most {MAX_PROGRAM_CHARS:,}"


@dataclass(frozen=True, slots=True)
class Program:
    """Source text that has not been, and never will be, run in this process.

    `entry` names the function that is called; `id` is the content hash of the source.
    """

    source: str
    entry: str = SOLUTION_ENTRY
    id: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", content_id(self.source))


def files_of(source: str) -> Mapping[str, str] | None:
    """The files of a program of several, by path; None of one file, and of what is no program."""
    try:
        return split_files(source)
    except FilesError:
        return None


def read_program(path: Path, entry: str, apart: Path | None = None) -> Program:
    """The program of a file, or of a folder: its .py files, and those of folders in it.

    Args:
        apart: a file that no program may hold, such as the task's own.
    Raises: OSError; ValueError if a folder's files are no program, or a file is no text.
    """
    if not path.is_dir():
        return Program(path.read_text(encoding="utf-8-sig"), entry)
    found = {file.relative_to(path): file for file in sorted(path.rglob("*.py"))}
    listed = {
        within.as_posix(): file
        for within, file in found.items()
        if not any(part.startswith(".") or part == "__pycache__" for part in within.parts)
    }
    if not listed:
        raise ValueError("the folder has no .py file")
    for within, file in listed.items():
        if apart is not None and file.resolve() == apart.resolve():
            raise ValueError(
                f"{within} is the task's own file, which models must not see: give the program a "
                "folder of its own"
            )
    check_paths(listed)  # before any of them is read
    files = {within: file.read_text(encoding="utf-8-sig") for within, file in listed.items()}
    entry_path(files, entry)
    return Program(join_files(files), entry)
