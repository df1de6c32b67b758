"""Strategies told by how requests differ in their words and their temperatures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selftaught.analysis.guest_programs.strategies.facts import (
    PROGRESS,
    SCORE,
    Facts,
    is_in,
    steps,
    tags,
)
from selftaught.analysis.guest_programs.strategies.graph import Node, Request
from selftaught.analysis.guest_programs.strategies.selection import Finding
from selftaught.analysis.guest_programs.strategies.slots import Message, alternatives, messages_of
from selftaught.analysis.guest_programs.strategies.walk import (
    ANY,
    is_collection,
    ITEM,
    Path,
    Place,
    dependencies,
    one_step,
    origins,
    text_step,
    walk,
)

_DEFAULT_TEMPERATURE = 0.7
_CHOICES = frozenset({"elem", "select", "draw", "take", "index", "get"})


# --- temperatures ---------------------------------------------------------------------------------


def temperature_schedule(facts: Facts) -> Finding | None:
    fixed: dict[float, int] = {}
    for request in facts.program_requests:
        if request.temperature is None:
            fixed.setdefault(_DEFAULT_TEMPERATURE, request.line)
            continue
        varied = _varied(facts, request, request.temperature)
        if varied is not None:
            lines = [request.line, varied.line]
            said = "the temperature changes in the course of the run"
            return Finding("temperature_schedule", lines, said)
        for at, _ in origins(request.temperature):
            if at.op == "const" and isinstance(at.value, (int, float)):
                fixed.setdefault(float(at.value), request.line)
    if len(fixed) > 1:
        said = f"requests for programs have the temperatures {', '.join(map(str, sorted(fixed)))}"
        return Finding("temperature_schedule", list(fixed.values()), said)
    return None


def _varied(facts: Facts, request: Request, temperature: Node) -> Node | None:
    """What makes a temperature another in a later call."""
    if tags(temperature) & {PROGRESS, SCORE}:
        return temperature
    for at, _ in walk(temperature, numbers=True):
        if at.op in ("carried", "cell") and steps(at):
            return at
        if at.op in ("index", "get") and (
            tags(at.args[1]) & {PROGRESS, SCORE} or _goes_around(at.args[1], request)
        ):
            return at
        conditions = [guard.condition for guards in at.guards for guard in guards]
        if at.op == "phi" and any(
            tags(side) & {PROGRESS, SCORE}
            for condition in conditions
            for found in dependencies(condition)
            if found.op == "compare"
            for side in found.args
        ):
            return at
        if at.op == "phi" and any(_goes_around(condition, request) for condition in conditions):
            return at
    return None


def _goes_around(node: Node, request: Request) -> bool:
    """Whether it is another in each turn of a loop around the request."""
    return any(
        at.op in ("elem", "carried")
        and is_in(at.loop, request.loops)
        and len(at.args) > 0
        and (at.op == "elem" or len(at.args) > 1)
        for at in dependencies(node, control=False)
    )


# --- bandits --------------------------------------------------------------------------------------


def prompt_bandit(facts: Facts) -> Finding | None:
    for request in facts.program_requests:
        texts = [message.text for message in messages_of(request)]
        for text in (request.expertise, *texts):
            for at, path in walk(text):
                if _is_learned(facts, at, path):
                    lines = [request.line, at.line]
                    said = "the words of a prompt are chosen by the scores that they earned"
                    return Finding("prompt_bandit", lines, said)
    return None


def _is_learned(facts: Facts, at: Node, path: Path) -> bool:
    """Whether a value is one of several texts, chosen by score."""
    match at.op:
        case "select":
            return _are_arms(facts, at.args[0], (ANY, *path)) and _tells_scores(facts, at.args[1])
        case "draw" if len(at.args) > 2:
            source = (ANY, *path) if at.value == "one" else path or (ANY,)
            weights = any(_tells_scores(facts, weight) for weight in at.args[2:])
            return weights and _are_arms(facts, at.args[0], source)
        case "index" | "get":
            base, index = at.args[:2]
            if index.op == "const":
                ranked = base.op == "sorted" and _tells_scores(facts, base.args[1])
                return ranked and _are_arms(facts, base, (ANY, *path))
            return _are_arms(facts, base, (ITEM, *path)) and _is_learned_index(facts, index)
        case "carried" | "cell":
            return any(
                facts.is_better(new.guards)
                and new.node.op in _CHOICES
                and _are_arms(facts, new.node, new.path)
                for new in alternatives(at, path)
            )
        case "phi" if at.value is not None:  # one of several functions is called
            return any(
                chosen.op == "select"
                and _tells_scores(facts, chosen.args[1])
                and sum(found.op in ("closure", "bound") for found, _ in origins(chosen)) > 1
                for chosen, _ in walk(at.value, texts=False)
            )
    return False


def _is_learned_index(facts: Facts, index: Node) -> bool:
    for at, _ in walk(index, numbers=True):
        if at.op == "select" and _tells_scores(facts, at.args[1]):
            return True
        if at.op == "argselect" and any(_tells_scores(facts, arg) for arg in at.args):
            return True
        if at.op in ("draw", "random") and any(_tells_scores(facts, w) for w in at.args[1:]):
            return True
        if at.op in ("carried", "cell") and any(
            facts.is_better(new.guards) and new.node.op in _CHOICES for new in alternatives(at, ())
        ):
            return True
    return False


def _are_arms(facts: Facts, node: Node, path: Path) -> bool:
    """Whether it is one of several constant texts, and no program."""
    found = {
        at.value for at, _ in walk(node, path) if at.op == "const" and isinstance(at.value, str)
    }
    return len(found) > 1 and not facts.programs(node, path, whole=False)


def _tells_scores(facts: Facts, node: Node) -> bool:
    """Whether a number depends on scores that were recorded, itself or by what was counted."""
    seen: set[int] = set()
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if id(at) in seen or at.op in ("asked", "code"):
            continue
        seen.add(id(at))
        if at.op == "score":
            return True
        waiting.extend((*at.args, *at.cells.values(), *(write.value for write in at.writes)))
        guarded = [*at.guards, *(write.guards for write in at.writes)]
        if any(facts.is_better([guard]) for guards in guarded for guard in guards):
            return True
    return False


# --- decomposition --------------------------------------------------------------------------------

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
    r"|\b(rest|everything else|remainder)\b[^.\n]{0,40}\b(program|code|as it is|as is|unchanged|untouched|alone|same)\b",
    re.IGNORECASE,
)


def decomposition(facts: Facts) -> Finding | None:
    for request in facts.code_requests:
        for message in messages_of(request):
            piece = _piece(facts, request, message)
            if piece is None:
                continue
            lines = [request.line, piece.line]
            spliced = _spliced(facts, request)
            if spliced is not None:
                said = "the answer to a prompt for a part is put into the whole program"
                return Finding("decomposition", [*lines, spliced], said)
            if _ONLY.search(_template(facts, request, message)):
                said = "each prompt asks for one part of the program"
                return Finding("decomposition", lines, said)
    return None


def _piece(facts: Facts, request: Request, message: Message) -> Node | None:
    """The choice of a part that a prompt is about: of the program, or named in a list."""
    for at, path in _choices_in(facts, message):
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
        if named or _are_arms(facts, *source):
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


def _choices_in(facts: Facts, message: Message) -> Iterator[Place]:
    """The outermost choices that a prompt's text is composed of."""
    seen: set[tuple[int, Path]] = set()
    waiting: list[Place] = [(message.text, ())]
    while waiting:
        node, path = waiting.pop()
        if (id(node), path) in seen or len(path) > 8:
            continue
        seen.add((id(node), path))
        is_record = node.op == "index" and not is_collection(node.args[0])
        if node.op in _CHOICES and not is_record:
            yield node, path
            if node.op != "elem":
                continue
        beyond = one_step(node, path)
        waiting.extend(text_step(node, path) if beyond is None else beyond)


def _template(facts: Facts, request: Request, message: Message) -> str:
    """The words of a prompt, with a gap where something is chosen."""
    parts: list[str] = []
    for at, path in walk(message.text, into=lambda at, path: at.op not in _CHOICES):
        if at.op == "const" and isinstance(at.value, str):
            parts.append(at.value)
    return " ".join(parts)


def _spliced(facts: Facts, request: Request) -> int | None:
    """Line at which a program is composed of responses to this request and of another program."""
    for scoring in facts.flow.scorings:
        for at, path in walk(scoring.program):
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
        containers = [at for at, path in origins(arg) if not path and at.op == "list"]
        if containers:
            found.extend(write.value for one in containers for write in one.writes)
        found.append(arg) if not containers else None
        for at, _ in walk(arg, texts=False):
            found.extend(write.value for write in at.writes if at.op not in ("list", "cell"))
    return found
