"""Strategies told by which programs the requests of a run show."""

from __future__ import annotations

from selftaught.analysis.guest_programs.strategies.choices import Alternative, Choice, alternatives
from selftaught.analysis.guest_programs.strategies.facts import (
    CHANCE,
    PROGRESS,
    Facts,
    is_in,
    is_initial,
    steps,
    tags,
)
from selftaught.analysis.guest_programs.strategies.graph import Node, Request
from selftaught.analysis.guest_programs.strategies.ranking import is_score
from selftaught.analysis.guest_programs.strategies.shown import Finding, Shown, asks_to_merge
from selftaught.analysis.guest_programs.strategies.slots import Slot
from selftaught.analysis.guest_programs.strategies.walk import ANY, Path, walk

# --- beams and pools ------------------------------------------------------------------------------


def beam_search(facts: Facts, shown: list[Shown]) -> Finding | None:
    """Several scored programs are kept, and each is expanded; or the one of a frontier."""
    for prompt in shown:
        for slot, choice in zip(prompt.slots, prompt.choices, strict=True):
            kept = choice.kept or _are_survivors(facts, prompt, slot, choice)
            if not kept or choice.drawn or not _is_scored(facts, slot):
                continue
            lines = [prompt.request.line, slot.node.line, *choice.ranked]
            if slot.kind == "each":
                return Finding("beam_search", lines, "each of several kept programs gets a prompt")
            if slot.kind in ("taken", "picked") or (slot.kind == "best" and choice.consumed):
                return Finding("beam_search", lines, "the program to expand comes from a frontier")
    return None


def _are_survivors(facts: Facts, prompt: Shown, slot: Slot, choice: Choice) -> bool:
    """Whether they are the best of what an earlier request brought, without a loop."""
    if slot.kind != "each" or not choice.ranked:
        return False
    made_by = [r for leaf in facts.candidates(*slot.source) for r in facts.requests_of(leaf)]
    return bool(made_by) and all(one is not prompt.request for one in made_by)


def genetic_algorithm(facts: Facts, shown: list[Shown]) -> Finding | None:
    """Parents are drawn by chance and by fitness, for two generations or more."""
    for prompt in shown:
        for slot, choice in zip(prompt.slots, prompt.choices, strict=True):
            fit = choice.ranked or _is_selected(facts, slot)
            if choice.kept and choice.drawn and fit and _is_scored(facts, slot):
                lines = [prompt.request.line, slot.node.line, *choice.ranked]
                said = "parents are drawn by chance from a pool that is selected by score"
                return Finding("genetic_algorithm", lines, said)
    return None


def _is_scored(facts: Facts, slot: Slot) -> bool:
    return any(id(leaf) in facts.scored for leaf in facts.candidates(*slot.source))


def _is_selected(facts: Facts, slot: Slot) -> bool:
    """Whether programs get into a pool, or out of it, by their score."""
    for at, _ in walk(*slot.source, texts=False):
        guarded = [guards for _, guards in steps(at)] if at.op in ("carried", "cell") else []
        guarded += [write.guards for write in at.writes]
        guarded += list(at.guards)
        if any(facts.is_better(guards) for guards in guarded):
            return True
    return False


# --- one current program --------------------------------------------------------------------------


def becomes(facts: Facts, variable: Node, path: Path, depth: int = 0) -> tuple[str, list[int]]:
    """How a variable that holds a program changes: improved, annealed, walk, or initial."""
    kinds: dict[str, list[int]] = {}
    for node, part, guards in alternatives(variable, path):
        if not facts.programs(node, part, whole=False):
            continue
        if is_initial(node):
            continue
        kind = _becoming(facts, variable, Alternative(node, part, guards), depth)
        kinds.setdefault(kind, []).append(node.line)
        kinds[kind].extend(g.condition.line for g in guards if facts.is_better([g]))
    for kind in ("annealed", "walk", "improved"):
        if kind in kinds:
            return kind, kinds[kind]
    return "initial", []


def _becoming(facts: Facts, variable: Node, new: Alternative, depth: int) -> str:
    if facts.is_annealed(new.guards):
        return "annealed"
    if facts.is_better(new.guards):
        return "improved"
    if new.node.op in ("carried", "cell") and new.node is not variable and depth < 4:
        kind = becomes(facts, new.node, new.path, depth + 1)[0]
        return "improved" if kind in ("improved", "initial") else kind
    if new.node.op == "draw":
        told = set().union(*map(tags, new.node.args[2:]))
        return "annealed" if PROGRESS in told else "walk"
    if new.node.op == "select" and is_score(new.node.args[1]):
        chosen = walk(new.node.args[0], (ANY, *new.path), texts=False)
        if any(at is variable for at, _ in chosen) or _is_archive(new.node, variable):
            return "improved"
    if new.node.op == "index":
        if {CHANCE, PROGRESS} <= tags(new.node.args[1]):
            return "annealed"
        chosen = walk(new.node, new.path, texts=False)
        if any(at is variable for at, _ in chosen):
            return "improved"
    return "walk"


def _is_archive(chosen: Node, variable: Node) -> bool:
    """Whether the best is chosen of all that there ever was."""
    loop = variable.loop
    for at, _ in walk(chosen.args[0], (ANY,), texts=False):
        if (
            any(is_in(loop, write.loops) and not is_in(loop, at.loops) for write in at.writes)
            and not at.removals
        ):
            return True
    return False


def simulated_annealing(facts: Facts, shown: list[Shown]) -> Finding | None:
    """The current program may be replaced by a worse one, by a chance or margin that falls."""
    for prompt in shown:
        for slot in prompt.slots:
            if slot.kind == "variable":
                kind, lines = becomes(facts, *slot.source)
                if kind == "annealed":
                    said = "a worse program may become the current one, ever more seldom"
                    return Finding("simulated_annealing", [prompt.request.line, *lines], said)
    return None


def iteration_from_incumbent(facts: Facts, shown: list[Shown]) -> Finding | None:
    """Each request for a program holds the best so far; pools and merges aside."""
    lines: list[int] = []
    for place, prompt in enumerate(shown):
        kind, where = _held(facts, prompt, is_first=place == 0)
        if kind == "best":
            lines += [prompt.request.line, *where]
        elif kind == "other":
            return None
    if not lines:
        return None
    said = "each prompt for a program holds the best one so far"
    return Finding("iteration_from_incumbent", lines, said)


def _held(facts: Facts, prompt: Shown, *, is_first: bool) -> tuple[str, list[int]]:
    """Whether a prompt holds the best program so far, another one, or one of a pool."""
    best: list[int] = []
    pooled = instead = False
    if asks_to_merge(facts, prompt) is not None:
        return "pool", []
    for slot, choice in zip(prompt.slots, prompt.choices, strict=True):
        lines = _incumbent(facts, prompt, slot, choice)
        best += lines
        instead = instead or (slot.is_optional and not lines)
        if not lines and slot.kind not in ("initial", "variable"):
            pooled = pooled or slot.kind == "several" or choice.kept
    if best and not instead:
        return "best", best
    if pooled or (is_first and not prompt.request.loops):
        return "pool", []
    return "other", []


def _incumbent(facts: Facts, prompt: Shown, slot: Slot, choice: Choice) -> list[int]:
    """The lines at which a program becomes the best so far, if it is that."""
    if slot.kind == "variable":
        kind, lines = becomes(facts, *slot.source)
        return [slot.node.line, *lines] if kind == "improved" else []
    is_best = slot.kind == "best" and not choice.consumed and not choice.drawn
    if is_best and (choice.kept or _covers(facts, slot, prompt.request)):
        return [slot.node.line]
    return []


def _covers(facts: Facts, slot: Slot, request: Request) -> bool:
    """Outside of loops: whether it was chosen among the answers to all requests before."""
    place = next(at for at, one in enumerate(facts.program_requests) if one is request)
    before = {id(one.asked) for one in facts.program_requests[:place]}
    held = facts.candidates(*slot.source)
    chosen = {id(one.asked) for leaf in held for one in facts.requests_of(leaf)}
    return not request.loops and bool(before) and before <= chosen
