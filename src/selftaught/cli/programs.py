"""Programs and what sets them apart, as text for a terminal."""

from __future__ import annotations

from rich.text import Text

from selftaught.analysis.safe_text import printable

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def diff_text(diff: str) -> Text:
    """A unified diff in colours; the programs themselves are not parsed."""
    text = Text()
    for line in printable(diff.rstrip("\n")).split("\n"):
        text.append(f"{_indented(line)}\n", style=_STYLES.get(line[:1], ""))
    return text


def source_text(source: str) -> Text:
    """A program, indented."""
    lines = printable(source.rstrip("\n")).split("\n")
    return Text("".join(f"{_indented(line)}\n" for line in lines))


def _indented(line: str) -> str:
    return f"    {line}".rstrip()
