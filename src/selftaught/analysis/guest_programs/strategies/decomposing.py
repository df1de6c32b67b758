"""Decomposition: single requests are about single parts of a program."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selftaught.analysis.guest_programs.strategies.facts import Facts, is_in
from selftaught.analysis.guest_programs.strategies.graph import Node, Request
from selftaught.analysis.guest_programs.strategies.prompting import CHOICES, are_arms
from selftaught.analysis.guest_programs.strategies.shown import Finding
from selftaught.analysis.guest_programs.strategies.slots import Message, messages_of
from selftaught.analysis.guest_programs.strategies.walk import (
    ANY,
    ITEM,
    MAX_PATH,
    Path,
    Place,
    is_collection,
    one_step,
    origins,
    text_step,
    walk,
)

_PART = (
    r"(components?|functions?|sections?|parts?|pieces?|blocks?|stages?|methods?|routines?|class(es)?"
    r"|segments?|modules?|subroutines?|steps?|phases?|regions?|fragments?|chunks?|helpers?|units?"
    r"|definitions?)"
)
_ONLY = re.compile(
    rf"\b(only|just|solely|exclusively)\b[^.\n]{{0,60}}\b{_PART}\b"
    rf"|\b(one|single) {_PART}\b(?<!block)"
    rf"|\b{_PART}\b[^.\n]{{0,60}}\b(only|alone|nothing else|by itself|on its own)\b"
    rf"|\b(all|any|every|the) others?\b[^.\n]{{0,20}}\b{_PART}\b"
    r"|\b(rest|everything else|remainder)\b[^.\n]{0,40}"
    r"\b(program|code|as it is|as is|unchanged|untouched|alone|same)\b",
    re.IGNORECASE,
)


def decomposition(facts: Facts) -> Finding | None:
    """Each request is about one part, whose answer ends up in the whole."""
    for request in facts.code_requests:
        for message in messages_of(request):
            piece = _piece(facts, message)
            if piece is None:
                continue
            lines = [request.line, piece.line]
            spliced = _spliced(facts, request)
            if spliced is not None:
                said = "the answer to a prompt for a part is put into the whole program"
                return Finding("decomposition", [*lines, spliced], said)
            if _ONLY.search(_template(message)):
                said = "each prompt asks for one part of the program"
                return Finding("decomposition", lines, said)
    return None


def _piece(facts: Facts, message: Message) -> Node | None:
    """The choice of a part that a prompt is about: of the program, or named in a list."""
    for at, path in _choices_in(message):
        source: Place = (at.args[0], (ITEM if at.op in ("index", "get") else ANY, *path))
        if at.op == "elem" and not (at.loop is None or is_in(at.loop, message.loops)):
            continue
        if at.op in ("index", "get") and at.args[1].op == "const":
            continue
        if at.op == "take" and at.name == "next":
            continue
        if facts.programs(*source, whole=False):
            if facts.parts_in(*source):
                return at
            continue
        named = [one for one, _ in walk(*source) if one.op == "asked"]
        if named or are_arms(facts, *source):
            return at
    return _marked(facts, message)


def _marked(facts: Facts, message: Message) -> Node | None:
    """The choice of a part that is told by where it begins and ends."""
    for cut, _ in walk(message.text):
        if cut.op != "slice":
            continue
        for bound in cut.args[1:]:
            for at, path in walk(bound, texts=False, numbers=True):
                is_choice = at.op in ("elem", "select", "draw", "index")
                fixed = at.op == "index" and at.args[1].op == "const"
                if (
                    is_choice
                    and not fixed
                    and facts.programs(at.args[0], (ANY, *path), whole=False)
                ):
                    return at
    return None


def _choices_in(message: Message) -> Iterator[Place]:
    """The outermost choices that a prompt's text is composed of."""
    seen: set[tuple[int, Path]] = set()
    waiting: list[Place] = [(message.text, ())]
    while waiting:
        node, path = waiting.pop()
        if (id(node), path) in seen or len(path) > MAX_PATH:
            continue
        seen.add((id(node), path))
        is_record = node.op == "index" and not is_collection(node.args[0])
        if node.op in CHOICES and not is_record:
            yield node, path
            if node.op != "elem":
                continue
        beyond = one_step(node, path)
        waiting.extend(text_step(node, path) if beyond is None else beyond)


def _template(message: Message) -> str:
    """The words of a prompt, with a gap where something is chosen."""
    parts: list[str] = []
    for at, _ in walk(message.text, into=lambda at, path: at.op not in CHOICES):
        if at.op == "const" and isinstance(at.value, str):
            parts.append(at.value)
    return " ".join(parts)


def _spliced(facts: Facts, request: Request) -> int | None:
    """Line at which a program is composed of responses to this request and of another program."""
    for scoring in facts.flow.scorings:
        for at, _ in walk(scoring.program):
            if at.op not in ("text", "add", "splice") or (at.op == "add" and is_collection(at)):
                continue
            held = [facts.programs(part, whole=False) for part in _parts(at)]
            held = [leaves for leaves in held if leaves]
            ours = [
                leaves
                for leaves in held
                if any(one is request for leaf in leaves for one in facts.requests_of(leaf))
            ]
            if ours and len(held) > 1:
                return at.line
    return None


def _parts(composed: Node) -> list[Node]:
    """What a text is composed of; of a list that is joined, its items."""
    found: list[Node] = []
    for arg in composed.args:
        listed = [at for at, path in origins(arg) if not path and at.op == "list"]
        found.extend([write.value for one in listed for write in one.writes] if listed else [arg])
        for at, _ in walk(arg, texts=False):
            found.extend(write.value for write in at.writes if at.op not in ("list", "cell"))
    return found
