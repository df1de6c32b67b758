"""The adapter of the comparison with other engines: whose program it edits, and how it answers."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

PLACE = Path(__file__).parents[2] / "benchmarks/peers/proposer.py"

PARENT = "def algorithm(x):\n    return x + 1"
OTHER = "def algorithm(x):\n    return x * 2"
NEW = "def algorithm(x):\n    return x + 3"
MARKED = f"# EVOLVE-BLOCK-START\n{PARENT}\n# EVOLVE-BLOCK-END"
EDITS = "Answer in blocks.\n<<<<<<< SEARCH\n# old\n=======\n# new\n>>>>>>> REPLACE"
TAGS = "Begin with <NAME>a_name</NAME>."


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("proposer", PLACE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["proposer"] = module  # where its dataclass looks for its names
    spec.loader.exec_module(module)
    return module


proposer = load()


def block(program: str, word: str = "python") -> str:
    return f"```{word}\n{program}\n```"


# What each engine's prompt looks like: headings and fences as it has them, words of our own.
PROMPTS = {
    "OpenEvolve, edits": (
        "Write well.",
        f"# Current Program Information\n- Fitness: 1\n\n## Top Performing Programs\n"
        f"### Program 1\n{block(OTHER)}\n\n# Current Program\n{block(MARKED)}\n\n# Task\n{EDITS}",
    ),
    "OpenEvolve, whole": (
        "Write well.",
        f"## Top Performing Programs\n{block(OTHER)}\n\n# Current Program\n{block(MARKED)}\n\n"
        f"# Task\n{block('# the new one')}",
    ),
    "ShinkaEvolve, edits": (
        f"Write well.\n{TAGS}\n{EDITS}",
        f"# Prior programs\n\n{block(OTHER)}\n\n# Current program\n\nTo be better:\n\n"
        f"{block(MARKED)}",
    ),
    "ShinkaEvolve, whole": (
        f"Write well.\n{TAGS}\n{block('# the new one')}",
        f"# Current program\n\nTo be better:\n\n{block(MARKED)}\n\n# Task\n\nTake of both.\n\n"
        f"# Crossover Inspiration Programs\n{block(OTHER)}",
    ),
    "ShinkaEvolve, to be mended": (
        f"Write well.\n{TAGS}",
        f"# Prior programs\n\n{block(OTHER)}\n\n# Incorrect Program to Fix\n\nIt fails:\n\n"
        f"{block(MARKED)}\n\n```\nValueError: no\n```",
    ),
    "GEPA": (
        "",
        f"## Domain Context\n\n{block(OTHER)}\n\n## Current Component\n\n"
        f"The component being optimized:\n\n{block(PARENT, '')}\n\n## Results\n\n"
        f"{block('# Example 1' + chr(10) + '0.5', '')}",
    ),
    "evolve": (
        f"Scored by:\n{block(OTHER)}",
        f"This program scores 1:\n{block(PARENT)}\n\nThe best so far:\n{block(OTHER)}",
    ),
}


@pytest.mark.parametrize("name", PROMPTS)
def test_the_parent_is_the_engines_own_and_comes_first_for_the_mutator(name: str) -> None:
    reading = proposer.read_prompt(*PROMPTS[name])
    assert reading.parent == PARENT
    assert set(reading.donors) == {OTHER}
    assert proposer.code_blocks(reading.shown)[0] == PARENT
    assert reading.is_marked == (name not in ("GEPA", "evolve"))


@pytest.mark.parametrize("name", PROMPTS)
def test_edits_are_answered_with_edits_and_programs_with_programs(name: str) -> None:
    reading = proposer.read_prompt(*PROMPTS[name])
    reply, program = proposer.in_form(reading, f"Edited: numbers.\n\n{block(NEW)}\n")
    assert program == NEW
    assert ("<NAME>" in reply) == name.startswith("Shinka")
    if name.endswith("edits"):
        assert applied(MARKED, reply) == MARKED.replace(PARENT, NEW)
        assert "```" not in reply
    else:
        (whole,) = proposer.code_blocks(reply)
        assert whole == (MARKED.replace(PARENT, NEW) if reading.is_marked else NEW)


def test_a_heading_within_a_program_is_none() -> None:
    odd = f"{PARENT}\n\n\n# Current Program\n\ndef other():\n    return 1"
    user = f"# Current Program\n{block(odd)}\n\n# More\n{block(OTHER)}"
    assert proposer.read_prompt("", user).parent == odd


def test_a_prompt_without_a_program_is_said_to_have_none() -> None:
    assert proposer.read_prompt("Write.", f"# Current Program\n{block('x = 1')}") is None
    reading = proposer.read_prompt("", PROMPTS["GEPA"][1])
    assert proposer.in_form(reading, "I found nothing.") == ("I found nothing.", None)


def applied(old: str, reply: str) -> str:
    """As engines do: the block's text once in the program, its edges stripped of blank lines."""
    _, _, rest = reply.partition("<<<<<<< SEARCH\n")
    searched, _, rest = rest.partition("\n=======\n")
    put, _, _ = rest.partition("\n>>>>>>> REPLACE")
    assert 0 <= old.find(searched) == old.rfind(searched)
    assert searched.strip("\n") == searched
    assert put.strip("\n") == put
    return old.replace(searched, put)


LINES = st.lists(st.sampled_from(["", "a", "b", "    a", "    b = a"]), max_size=8)


@given(LINES, LINES)
def test_an_edit_turns_the_old_program_into_the_new_one(old: list[str], new: list[str]) -> None:
    before, after = ("\n".join(["def f():", *lines, "    return 0"]) for lines in (old, new))
    assert applied(before, proposer.search_replace(before, after)) == after


def test_what_an_engine_puts_around_a_program_does_not_make_it_another() -> None:
    assert proposer.normal(f"{MARKED}\n\n") == proposer.normal(PARENT)
    assert proposer.normal(f"# a note\n{PARENT}") == proposer.normal(PARENT)
    assert proposer.normal(NEW) != proposer.normal(PARENT)
