"""Whether a sandbox audit says what its responses and its verdicts come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from selftaught.analysis.verified_estimate import close
from selftaught.engine.bypass_rates import bypassing, rates
from selftaught.journal.codec import Event
from selftaught.journal.events import LmAnswer, LmCall
from selftaught.journal.study_events import AuditTally, AuditVerdict

Shown: TypeAlias = Mapping[str, Any]


def audit_tally_problems(before: Iterable[Event], body: AuditTally) -> Iterator[str]:
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


def audit_result_problems(before: Iterable[Event], result: Shown) -> Iterator[str]:
    """What the result of an audit says that its tallies and verdicts do not."""
    tallies: dict[str, AuditTally] = {}
    verdicts: dict[str, AuditVerdict] = {}
    for event in before:
        match event.body:
            case AuditTally() as tally:
                tallies[tally.condition] = tally
            case AuditVerdict() as verdict:
                verdicts.setdefault(verdict.program, verdict)
    said = result["conditions"]
    if {one["condition"] for one in said} != tallies.keys():
        yield "its conditions are not those whose responses were tallied"
        return
    missing = {program for tally in tallies.values() for program in tally.programs}
    missing -= verdicts.keys()
    if missing:
        yield f"it has no verdict on {len(missing)} of its programs, such as {min(missing)}"
        return
    for one in said:
        for name, found in rates(tallies[one["condition"]], verdicts).items():
            if not _agree(found, one[name]):
                yield f"{one['condition']}: {name} comes to {found}, and it says {one[name]}"
    ordered = [tallies[one["condition"]] for one in said]
    if bypassing(ordered, verdicts) != result["bypassing"]:
        yield "the programs with a bypass are not those of its verdicts"


def _agree(found: Any, said: Any) -> bool:
    """Alike but for the last digits of what is computed."""
    if isinstance(found, Mapping) and isinstance(said, Mapping):
        return found.keys() == said.keys() and all(_agree(found[k], said[k]) for k in found)
    if isinstance(found, list) and isinstance(said, list):
        return len(found) == len(said) and all(map(_agree, found, said))
    if isinstance(found, float) and isinstance(said, (int, float)):
        return close(found, said)
    return bool(found == said)
