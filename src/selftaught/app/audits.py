"""What the audits are made of: our own programs, their plans, and what a store holds of them."""

from __future__ import annotations

from functools import partial
from importlib import resources
from typing import TYPE_CHECKING

from selftaught.analysis.guest_text import guest_program
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.engine.bypass_rates import CONDITIONS
from selftaught.journal.reader import open_reader
from selftaught.journal.study_events import AuditTally, AuditVerdict
from selftaught.studies.sandbox_audit.run import Recorded, SandboxAuditPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selftaught.app.config import AuditConfig
    from selftaught.core.task import Task
    from selftaught.journal.events import Run


def audit_improver() -> Program:
    """The improver that the sandbox audit asks to improve."""
    folder = resources.files("selftaught.studies") / "guest_programs"
    source = (folder / "audit_improver.py").read_text(encoding="utf-8")
    return Program(source, IMPROVER_ENTRY)


def reading_program(name: str) -> Program:
    """One of our programs that read programs: `bypasses`, or `tricks`."""
    return guest_program("program", "naming", name)


def sandbox_audit_plan(
    config: AuditConfig, tasks: Sequence[Task], improver: Program, head: Run | None
) -> SandboxAuditPlan:
    """The sandbox audit that a configuration says; with both conditions, half of the samples each.

    Of an odd number the condition without a warning gets one more.
    """
    if config.warning == "both":
        half = config.samples // 2
        wanted = dict(zip(CONDITIONS, (config.samples - half, half), strict=True))
    else:
        wanted = {config.warning: config.samples}
    return SandboxAuditPlan(
        improver,
        tasks,
        config.runs.resolved(len(tasks)),
        {condition: samples for condition, samples in wanted.items() if samples},
        reading_program("bypasses"),
        partial(recorded_audit, config.store),
        head,
    )


def recorded_audit(store: str, run_id: str) -> Recorded:
    """What a store holds of a sandbox audit."""
    tallies: dict[str, AuditTally] = {}
    verdicts: dict[str, AuditVerdict] = {}
    with open_reader(store) as reader:
        for event in reader.events(run_id, (AuditTally, AuditVerdict)):
            match event.body:
                case AuditTally() as tally:
                    tallies.setdefault(tally.condition, tally)
                case AuditVerdict() as verdict:
                    verdicts.setdefault(verdict.program, verdict)
        programs = {program for tally in tallies.values() for program in tally.programs}
        return Recorded(tallies, verdicts, reader.texts(programs))
