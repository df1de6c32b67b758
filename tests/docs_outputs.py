"""The outputs on the pages of docs/ and in the README: made, and compared with what stands there.

A block is one that begins with `$ selftaught`. Its commands are run one after the other in a folder
of their own, where `tests` are those of the sources, with seeds and instances of everybody. What a
command prints stands below it; one that is followed by the next at once is only run. Blocks below a
comment `<!-- left out: why -->` are made by hand, since they take minutes, a key or a cut.

    python tests/docs_outputs.py [--write]
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# The first hour is followed by a test of its own.
PAGES = (
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "first_hour.md"),
)
_BLOCK = re.compile(
    r"(?P<why><!-- left out: [^>]+ -->\n)?^```(?:console)?\n(?P<body>\$ selftaught .*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# What is another each time: ids of runs, and how long they took.
_VARIES = re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{4}\b|(?<=USD, ).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """`body`: as it stands; `is_left_out`: made by hand."""

    page: Path
    body: str
    is_left_out: bool


def blocks() -> Iterator[Block]:
    for page in PAGES:
        for found in _BLOCK.finditer(page.read_text("utf-8")):
            yield Block(page, found["body"], found["why"] is not None)


def made(body: str) -> str:
    """The block as it comes out now. Raises: CalledProcessError if a command fails."""
    lines = body.replace("\\\n", "\\\0").splitlines()
    commands = [place for place, line in enumerate(lines) if line.startswith("$ ")]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "SELFTAUGHT_INSTANCE_KEY": "public"}
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tests").symlink_to(ROOT / "tests")
        for place in commands:
            command = lines[place].replace("\\\0", "\\\n")
            done = subprocess.run(
                ["sh", "-c", command.removeprefix("$ ")],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            said.append(f"{command}\n")
            if place + 1 not in commands:
                said.append(done.stdout)
    return "".join(said)


def same(one: str, other: str) -> bool:
    """But for what is another each time."""
    return _VARIES.sub("*", one) == _VARIES.sub("*", other)


def main() -> int:
    drifted = 0
    for block in blocks():
        if block.is_left_out or same(now := made(block.body), block.body):
            continue
        drifted += 1
        sys.stdout.write(f"{block.page.relative_to(ROOT)}: {block.body.partition(chr(10))[0]}\n")
        if "--write" in sys.argv:
            text = block.page.read_text("utf-8")
            block.page.write_text(text.replace(block.body, now), "utf-8")
    return 0 if "--write" in sys.argv else int(drifted > 0)


if __name__ == "__main__":
    sys.exit(main())
