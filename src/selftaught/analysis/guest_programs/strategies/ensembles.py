"""Ensembles: one program of several candidates."""

from __future__ import annotations

import re

from selftaught.analysis.guest_programs.strategies.facts import Facts
from selftaught.analysis.guest_programs.strategies.shown import Finding, Shown, asks_to_merge
from selftaught.analysis.guest_programs.strategies.slots import Message, slots_of
from selftaught.analysis.guest_programs.strategies.walk import walk


def ensemble(facts: Facts, shown: list[Shown]) -> Finding | None:
    """A prompt asks to merge several candidates, or code makes one program of them."""
    for prompt in shown:
        words = asks_to_merge(facts, prompt)
        if words is not None and not any(c.drawn and c.kept for c in prompt.choices):
            lines = [prompt.request.line, *(slot.node.line for slot in prompt.slots)]
            return Finding("ensemble", lines, f"several programs are shown: {words!r}")
    return _committee(facts)


_RUNNING = re.compile(r"\bexec\b|\bdef \w+\(|\bimport\b|\blambda\b|\beval\b")


def _committee(facts: Facts) -> Finding | None:
    """One program whose text holds several whole candidates."""
    for scoring in facts.flow.scorings:
        for at, path in walk(scoring.program):
            if path or at.op not in ("text", "add"):
                continue
            words = " ".join(
                str(part.value)
                for part, _ in walk(at)
                if part.op == "const" and isinstance(part.value, str)
            )
            if not _RUNNING.search(words):
                continue
            slots = slots_of(facts, Message(at, scoring.loops))
            several = [slot for slot in slots if slot.kind == "several"]
            if (several or len(slots) > 1) and any(slot.kind != "initial" for slot in slots):
                lines = [scoring.line, at.line, *(slot.node.line for slot in slots)]
                return Finding("ensemble", lines, "a program is composed of several candidates")
    return None
