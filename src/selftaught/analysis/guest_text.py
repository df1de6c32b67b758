"""The guest programs of the analysis."""

from __future__ import annotations

from selftaught.core.program import Program
from selftaught.engine.program_reader import guest_program

PACKAGE = "selftaught.analysis.guest_programs"


def reading_program(name: str) -> Program:
    """What looks for signs in programs: for `bypasses`, or for `tricks`."""
    return guest_program(PACKAGE, "names", "signs", entry=name)
