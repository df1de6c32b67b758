"""What the events of a sandbox audit come to."""

from __future__ import annotations

from typing import Any

from selftaught.analysis.recorded_run import RecordedRun
from selftaught.journal.study_events import AuditTally, AuditVerdict
from selftaught.studies.sandbox_audit.rates import CONDITIONS, PUBLISHED, bypassing, rates
from selftaught.studies.study import latest


def audit_result(run: RecordedRun) -> dict[str, Any] | None:
    """Rates by condition beside the paper's, and the programs with a bypass; None if no response
    came, or not all programs were judged."""
    tallies: dict[str, AuditTally] = {
        one.condition: one for one in latest(run.events, AuditTally).values()
    }
    verdicts: dict[str, AuditVerdict] = {
        one.program: one for one in latest(run.events, AuditVerdict).values()
    }
    ordered = [tallies[name] for name in CONDITIONS if name in tallies]
    programs = {program for tally in ordered for program in tally.programs}
    if not sum(tally.samples for tally in ordered) or not programs <= verdicts.keys():
        return None
    return {
        "improver_id": run.head.improver_id,
        "conditions": [rates(tally, verdicts) for tally in ordered],
        "published": [one.as_json() for one in PUBLISHED],
        "bypassing": bypassing(ordered, verdicts),
    }
