"""Consoles, and what is printed for programs."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import IO, TYPE_CHECKING, Any, cast

import click

if TYPE_CHECKING:
    from rich.console import Console

    from selftaught.pages.blocks import Block, Page


def stdout() -> Console:
    """The console for results: plain text in a pipe, and no markup anywhere."""
    return _console(stderr=False)


def stderr() -> Console:
    """The console for progress."""
    return _console(stderr=True)


@contextmanager
def paged() -> Iterator[Console]:
    """A console whose text goes through a pager, if stdout is a terminal that it would not fit."""
    console = stdout()
    if not console.is_terminal or console.is_dumb_terminal:
        yield console
        return
    with console.capture() as capture:
        yield console
    text = capture.get()
    if text.count("\n") < console.height:
        click.echo(text, nl=False, color=True)
    else:
        os.environ.setdefault("LESS", "-FRX")
        click.echo_via_pager(text, color=console.color_system is not None)


@contextmanager
def reading(store: str) -> Iterator[None]:
    """Says on a terminal that a store is read, while it is: a long run takes seconds."""
    console = stderr() if sys.stderr.isatty() else None
    says = console is not None and not console.is_dumb_terminal
    # What is read is kept, and the collector would go through all of it again and again.
    gc.disable()
    try:
        with console.status(f"reading {store}") if console and says else nullcontext():
            yield
    finally:
        gc.freeze()
        gc.enable()


def print_page(page: Page) -> None:
    """A page on stdout."""
    from selftaught.pages.terminal import draw_page

    draw_page(stdout(), page)


def print_blocks(*blocks: Block) -> None:
    """Blocks on stdout."""
    from selftaught.pages.terminal import draw

    draw(stdout(), blocks)


def print_json(data: Mapping[str, Any]) -> None:
    """One JSON object, in one line of ASCII."""
    print(json.dumps(data, allow_nan=False), file=sys.stdout, flush=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    file = stream if stream.isatty() else cast(IO[str], _Trimmed(stream))
    return Console(file=file, markup=False, emoji=False, highlight=False)


class _Trimmed:
    """A stream in which no line ends with blanks, which tables are padded with."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        *lines, last = text.split("\n")
        return self._stream.write("\n".join([*(line.rstrip(" ") for line in lines), last]))

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._stream.fileno()
