"""Counts the lines of Python in src, whatever the files' endings; fails above the limits.

    make check, or python tests/source_lines.py

Hostile programs, cheats and skeletons count. Of another ending only what is not Python is left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

# A decision record is needed to raise them.
MOST_LINES = 53_600
MOST_LINES_A_MODULE = 350

OTHER_LANGUAGES = {".css", ".js", ".svg", ".toml"}
LARGEST = 10


def main(src: Path) -> int:
    lines = lines_of(src)
    total = sum(lines.values())
    print(
        f"{total:,} lines of Python in {len(lines)} files of src, of {MOST_LINES:,}; the largest:"
    )
    largest = sorted(lines, key=lambda name: (-lines[name], name))
    for name in largest[:LARGEST]:
        print(f"  {lines[name]:5,}  {name}")
    too_long = [name for name in largest if lines[name] > MOST_LINES_A_MODULE]
    for name in too_long:
        print(f"{name} has {lines[name]:,} lines, of {MOST_LINES_A_MODULE:,}")
    if total > MOST_LINES:
        print(f"src has {total - MOST_LINES:,} lines too many")
    return int(bool(too_long) or total > MOST_LINES)


def lines_of(src: Path) -> dict[str, int]:
    """Lines of each file that may hold Python."""
    files = sorted(path for path in src.rglob("*") if path.is_file())
    return {
        str(file.relative_to(src)): len(file.read_bytes().splitlines())
        for file in files
        if file.suffix not in OTHER_LANGUAGES and not _is_generated(file)
    }


def _is_generated(file: Path) -> bool:
    return any(part == "__pycache__" or part.endswith(".egg-info") for part in file.parts)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parents[1] / "src"))
