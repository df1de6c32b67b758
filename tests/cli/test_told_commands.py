"""Every command that an output or a page tells to type is one that there is, with its options."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import click
import pytest

from selftaught.cli.main import selftaught as command

SOURCES = Path(str(resources.files("selftaught")))
DOCUMENTS = Path(__file__).parents[2]
# Where a text tells a command, and does not only speak of selftaught.
TOLD = re.compile(
    r"(?:^|[`:(,;] ?|\bwith |\bsee )selftaught (?P<words>[a-z{][^`\n|#;)\\]*)", re.MULTILINE
)
CODE = re.compile(r"```.*?```|`[^`]+`", re.DOTALL)


def texts() -> Iterator[tuple[str, str]]:
    """Where and what: the strings of the sources, holes in them as `{}`, and the documents."""
    for path in sorted(SOURCES.rglob("*.py")):
        text = path.read_text("utf-8")
        # Parsing is for the few that speak of it at all.
        for node in ast.walk(ast.parse(text)) if "selftaught " in text else ():
            if not isinstance(node, ast.JoinedStr | ast.Constant):
                continue
            where = f"{path.relative_to(SOURCES)}:{node.lineno}"
            if isinstance(node, ast.JoinedStr):
                parts = (getattr(part, "value", None) for part in node.values)
                yield where, "".join(p if isinstance(p, str) else "{}" for p in parts)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield where, node.value
    for path in [DOCUMENTS / "README.md", *sorted((DOCUMENTS / "docs").glob("*.md"))]:
        for code in CODE.findall(path.read_text("utf-8")):
            yield path.name, code.replace("\\\n", " ")


def told() -> dict[str, list[str]]:
    """By place, what is told there."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for where, text in texts():
        for match in TOLD.finditer(text):
            if not match["words"].startswith("{}"):
                found[where].append(match["words"])
    return found


COMMANDS_TOLD = told()


def problem(words: list[str]) -> str | None:
    """What of it there is not."""
    here: click.Command = command
    while isinstance(here, click.Group):
        if not words:
            return None  # a group is spoken of
        name = words.pop(0)
        if name not in here.commands:
            return f"no command {name!r} in {here.name}"
        here = here.commands[name]
    known = {option for one in here.params for option in (*one.opts, *one.secondary_opts)}
    for word in words:
        option = word.partition("=")[0].rstrip(".,'\"")
        if option.startswith("--") and option not in known:
            return f"{here.name} has no option {option}"
    return None


def test_the_commands_that_are_told_are_found_at_all() -> None:
    listed = [words for told_here in COMMANDS_TOLD.values() for words in told_here]
    names = {words.split()[0] for words in listed}
    assert {"resume", "show", "doctor", "audit", "transfer", "tasks"} & names >= {"audit", "tasks"}
    assert len(listed) > 40


@pytest.mark.parametrize("where", sorted(COMMANDS_TOLD))
def test_a_command_that_is_told_is_one_that_there_is(where: str) -> None:
    for words in COMMANDS_TOLD[where]:
        assert problem(words.split()) is None, words
