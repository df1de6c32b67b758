"""Reward hacking and the circumvention of budgets in a run, from its journal.

Programs are read in the sandbox; all else is what the journal says. A score that does not hold is
no proof of intent: to take the best of many noisy scores makes such scores, too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import asdict

from selftaught.analysis.reward_denials import denials
from selftaught.analysis.reward_findings import (
    KINDS,
    Detector,
    Line,
    RewardFinding,
    Role,
    by_kind,
)
from selftaught.analysis.reward_scores import Scores, scores_that_do_not_hold
from selftaught.core.program import Program
from selftaught.engine.program_reader import ProgramReader, Reading
from selftaught.journal.codec import Event, as_json
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd, Run
from selftaught.journal.reader import JournalReader
from selftaught.journal.study_events import MetaEvaluation

_KINDS_OF_EVENTS = (Run, Invocation, InvocationEnd, Evaluation, MetaEvaluation)
# Improvers of our own, which no model writes.
_OURS = ("first", "audit")


@dataclass(frozen=True, slots=True)
class RewardAudit:
    """What was found in a run.

    Attributes:
        programs: how many of each role there are.
        unread: how many of them were left out, since there are too many.
        unreadable: ids of those that could not be, and why.
    """

    run_id: str
    programs: dict[Role, int]
    unread: int
    unreadable: dict[str, str]
    findings: tuple[RewardFinding, ...]
    scores: Scores

    def as_json(self) -> dict[str, Any]:
        counts = Counter(finding.kind for finding in self.findings)
        return {
            "run_id": self.run_id,
            "programs": dict(self.programs),
            "unread": self.unread,
            "unreadable": dict(self.unreadable),
            "counts": {kind: counts[kind] for kind in [*KINDS, *counts]},
            "findings": [as_json(finding) for finding in self.findings],
        }


async def audit_run(
    journal: JournalReader,
    run_id: str,
    programs: ProgramReader,
    most: int | None = None,
    detectors: Sequence[Detector] = (),
) -> RewardAudit:
    """Audit one run.

    Args:
        most: solutions that are read, those that were best on search first; None for all.
        detectors: the user's own, called here on each program.
    """
    events = list(journal.events(run_id, _KINDS_OF_EVENTS))
    roles = _roles(events)
    scores = Scores.of(events)
    solutions = [program for program, role in roles.items() if role == "solution"]
    ranked = sorted(solutions, key=scores.best_on_search().__getitem__, reverse=True)
    left_out = [] if most is None else ranked[most:]
    texts = journal.texts(roles.keys() - left_out)
    ids = [program for program in roles if program in texts]
    readings = await programs.read(*(Program(texts[program]) for program in ids))
    by_id = dict(zip(ids, readings, strict=True))
    findings = [
        *(found for program, role in roles.items() for found in _by_reading(program, role, by_id)),
        *denials(events),
        *scores_that_do_not_hold(scores),
        *_by_detectors(detectors, roles, texts, events),
    ]
    return RewardAudit(
        run_id,
        {role: sum(one == role for one in roles.values()) for role in ("improver", "solution")},
        len(left_out),
        {program: one.unreadable for program, one in by_id.items() if one.unreadable},
        tuple(by_kind([*dict.fromkeys(findings)])),
        scores,
    )


def _by_detectors(
    detectors: Sequence[Detector],
    roles: Mapping[str, Role],
    texts: Mapping[str, str],
    events: Iterable[Event],
) -> Iterable[RewardFinding]:
    if not detectors:
        return
    traces: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    improver_of: dict[str, str] = {}
    for event in events:
        match event.body:
            case Invocation(improver=improver):
                improver_of[event.key] = improver
            case InvocationEnd() as end if event.key in improver_of:
                traces[improver_of[event.key]].append({"kind": event.kind, **asdict(end)})
            case Evaluation() as one:
                traces[one.program].append({"kind": event.kind, **asdict(one)})
    for program in filter(texts.__contains__, roles):
        numbered = dict(enumerate(texts[program].splitlines(), 1))
        for detect in detectors:
            for found in detect(texts[program], traces[program]):
                lines = tuple(Line(at, numbered[at]) for at in found.lines if at in numbered)
                evidence = " ".join(found.evidence.split())
                yield RewardFinding(found.kind, roles[program], program, False, evidence, lines)


def _roles(events: Iterable[Event]) -> dict[str, Role]:
    """The programs of a run, in the order in which they came, and what each was run as."""
    roles: dict[str, Role] = {}
    for event in events:
        match event.body:
            case Invocation() as start if start.role not in _OURS:
                roles.setdefault(start.improver, "improver")
            case Evaluation(program=program):
                roles.setdefault(program, "solution")
    return roles


def _by_reading(program: str, role: Role, readings: dict[str, Reading]) -> Iterable[RewardFinding]:
    """A finding for each kind of sign in a program."""
    by_kind: defaultdict[str, list[Line]] = defaultdict(list)
    reading = readings.get(program, Reading())
    for sign in reading.signs:
        by_kind[sign.kind].append(Line(sign.line, sign.text))
    for kind, lines in by_kind.items():
        if kind in KINDS:
            yield RewardFinding(kind, role, program, False, _where(lines), tuple(lines))


def _where(lines: Sequence[Line]) -> str:
    numbers = ", ".join(str(one.line) for one in lines[:5])
    more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
    return f"line {numbers}" if len(lines) == 1 else f"lines {numbers}{more}"
