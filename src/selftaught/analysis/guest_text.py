"""The guest programs of the analysis."""

from __future__ import annotations

from selftaught.core.program import Program
from selftaught.engine.program_reader import guest_program

PACKAGE = "selftaught.analysis.guest_programs"


def reading_program(name: str) -> Program:
    """One of our programs that read programs: `bypasses`, or `tricks`."""
    return guest_program(PACKAGE, "program", "naming", name)
