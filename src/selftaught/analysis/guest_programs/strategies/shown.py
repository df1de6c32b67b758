"""What the prompts for programs show, and what is found of a strategy."""

from __future__ import annotations

import re
from typing import NamedTuple

from selftaught.analysis.guest_programs.strategies.choices import Choice, behind, choice_of
from selftaught.analysis.guest_programs.strategies.facts import Facts
from selftaught.analysis.guest_programs.strategies.graph import Request
from selftaught.analysis.guest_programs.strategies.slots import Message, Slot, messages_of, slots_of

_MERGING = re.compile(
    r"\b(merg|combin|unit(e|es|ing)\b|unif|synthes|blend|fus(e|es|ing|ion)\b|hybrid|integrat|"
    r"bring\w* (them|these|those|it all)? ?together|put\w* (them|these|those) together|"
    r"amalgam|consolidat|join(s|ing)? (them|these|the)|best (parts?|ideas?|features?|of)\b|"
    r"(strengths|strong points|advantages|merits|good (parts|ideas)|better traits) of)",
    re.IGNORECASE,
)


class Finding(NamedTuple):
    """A strategy, the lines that show it, and how."""

    strategy: str
    lines: list[int]
    evidence: str


class Shown(NamedTuple):
    """One prompt for programs, and the programs in it: how many, and how they were chosen."""

    request: Request
    message: Message
    slots: list[Slot]
    choices: list[Choice]
    programs: int


def shown_by(facts: Facts) -> list[Shown]:
    """All prompts for programs, in the order of the requests."""
    found = []
    for request in facts.program_requests:
        for message in messages_of(request):
            held = slots_of(facts, message)
            slots = [one for slot in held for one in behind(facts, message, slot)]
            choices = [choice_of(slot, request) for slot in slots]
            found.append(Shown(request, message, slots, choices, len(held)))
    return found


def asks_to_merge(facts: Facts, prompt: Shown) -> str | None:
    """The words by which a prompt with several programs asks for one that is made of them."""
    if prompt.programs < 2 and not any(slot.kind == "several" for slot in prompt.slots):
        return None
    found = _MERGING.search(facts.words(prompt.request))
    return None if found is None else found[0]
