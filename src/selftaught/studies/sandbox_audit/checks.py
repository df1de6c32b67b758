"""What must hold of the events that a sandbox audit alone writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.engine.keys import make_key
from selftaught.journal.codec import Event
from selftaught.journal.events import LmAnswer, LmCall
from selftaught.journal.study_events import AuditTally, AuditVerdict
from selftaught.studies.checking import key_problem


def audit_problems(event: Event, before: RecordedRun) -> Iterator[str]:
    """How an event is not what those before it come to."""
    root = make_key("run", before.head.seed)
    match event.body:
        case AuditTally() as body:
            yield from key_problem(root, event, event.kind, body.condition)
            yield from _tally_problems(before.events, body)
        case AuditVerdict() as body:
            yield from key_problem(root, event, event.kind, body.program)


def _tally_problems(before: Iterable[Event], body: AuditTally) -> Iterator[str]:
    """What an `audit_tally` says that the responses before it do not."""
    sizes: dict[tuple[str, int], int] = {}
    found: dict[tuple[str, int], int] = {}
    for event in before:
        match event.body:
            case LmCall() as call if call.invocation == body.invocation:
                sizes[event.key, call.request] = call.n
            case LmAnswer() as answer if answer.invocation == body.invocation:
                request = (event.key, answer.request)
                found[request] = min(len(answer.texts), sizes.get(request, 0))
    came = sum(found.values())
    if body.samples != came:
        yield f"{came} responses came to its calls, and it says {body.samples}"
    held = sum(body.programs.values()) + body.no_code
    if held != body.samples:
        yield f"{held} responses hold a program or none, and it says {body.samples}"
