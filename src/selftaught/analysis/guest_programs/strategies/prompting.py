"""Strategies told by how requests differ in their temperatures and their words."""

from __future__ import annotations

from selftaught.analysis.guest_programs.strategies.choices import alternatives
from selftaught.analysis.guest_programs.strategies.facts import (
    PROGRESS,
    SCORE,
    Facts,
    is_in,
    steps,
    tags,
)
from selftaught.analysis.guest_programs.strategies.graph import Node, Request
from selftaught.analysis.guest_programs.strategies.shown import Finding
from selftaught.analysis.guest_programs.strategies.slots import messages_of
from selftaught.analysis.guest_programs.strategies.walk import (
    ANY,
    ITEM,
    Path,
    dependencies,
    origins,
    walk,
)

_CALLABLE = frozenset({"closure", "bound", "instance"})
_DEFAULT_TEMPERATURE = 0.7
CHOICES = frozenset({"elem", "select", "draw", "take", "index", "get"})


# --- temperatures ---------------------------------------------------------------------------------


def temperature_schedule(facts: Facts) -> Finding | None:
    """Requests for programs differ in temperature, by plan or by progress."""
    fixed: dict[float, int] = {}
    for request in facts.program_requests:
        if request.temperature is None:
            fixed.setdefault(_DEFAULT_TEMPERATURE, request.line)
            continue
        varied = _varied(request, request.temperature)
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


def _varied(request: Request, temperature: Node) -> Node | None:
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
        and (at.op == "elem" or len(at.args) > 1)
        for at in dependencies(node, control=False)
    )


# --- bandits --------------------------------------------------------------------------------------


def prompt_bandit(facts: Facts) -> Finding | None:
    """The message or the expertise is one of several, chosen by earlier scores."""
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
            return are_arms(facts, at.args[0], (ANY, *path)) and _tells_scores(facts, at.args[1])
        case "draw" if len(at.args) > 2:
            source = (ANY, *path) if at.value == "one" else path or (ANY,)
            weights = any(_tells_scores(facts, weight) for weight in at.args[2:])
            return weights and are_arms(facts, at.args[0], source)
        case "index" | "get":
            base, index = at.args[:2]
            if index.op == "const":
                ranked = base.op == "sorted" and _tells_scores(facts, base.args[1])
                return ranked and are_arms(facts, base, (ANY, *path))
            return are_arms(facts, base, (ITEM, *path)) and _is_learned_index(facts, index)
        case "carried" | "cell":
            return any(
                facts.is_better(new.guards)
                and new.node.op in CHOICES
                and are_arms(facts, new.node, new.path)
                for new in alternatives(at, path)
            )
        case "phi" if at.value is not None:  # one of several functions is called
            return any(
                chosen.op == "select"
                and _tells_scores(facts, chosen.args[1])
                and sum(found.op in _CALLABLE for found, _ in origins(chosen)) > 1
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
            facts.is_better(new.guards) and new.node.op in CHOICES for new in alternatives(at, ())
        ):
            return True
    return False


def are_arms(facts: Facts, node: Node, path: Path) -> bool:
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
