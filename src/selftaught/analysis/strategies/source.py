"""Reading programs: their text is parsed in a guest, never in this process."""

from __future__ import annotations

from typing import Any

from selftaught.analysis.guest_text import guest_program
from selftaught.analysis.strategies.found import STRATEGIES, SourceFinding, SourceReading
from selftaught.core.outcome import Failed
from selftaught.core.ports import Executor, Job

MAX_CHARS = 200_000
_CPU_S = 10.0
_EVIDENCE_CHARS = 300

# In the order in which they import one another.
_MODULES = (
    *("graph", "walk", "values", "state", "items", "expressions", "objects", "calls"),
    *("names", "containers", "library", "methods", "blocks", "statements"),
    *("facts", "ranking", "slots", "choices", "shown", "selection", "ensembles", "screening"),
    *("prompting", "decomposing", "reading"),
)


def reading_job() -> Job:
    """The guest program that reads strategies."""
    return Job(guest_program("strategies", _MODULES))


async def read_source(executor: Executor, job: Job, source: str) -> SourceReading:
    """The strategies that a program's text shows.

    Args:
        job: of `reading_job`, once for many programs.
        source: hostile text.
    """
    if len(source) > MAX_CHARS:
        why = f"it has {len(source):,} characters, and at most {MAX_CHARS:,} are read"
        return SourceReading((), why)
    answer: Any = await executor.call(job, (source,), cpu_s=_CPU_S, seed=0)
    if isinstance(answer, Failed):
        said = f": {answer.detail}".partition("\n")[0] if answer.detail else ""
        return SourceReading((), f"reading it ended by {answer.kind}{said}")
    match answer:
        case {"unreadable": None, "found": list(found)}:
            return SourceReading(tuple(one for item in found for one in _finding(item)))
        case {"unreadable": str(why)}:
            return SourceReading((), why[:_EVIDENCE_CHARS])
    return SourceReading((), "reading it brought no answer of the right form")


def _finding(item: Any) -> list[SourceFinding]:
    """A guest's answer is data that anybody may have written."""
    match item:
        case {"strategy": str(name), "lines": list(lines), "evidence": str(evidence)}:
            if name in STRATEGIES and all(type(line) is int for line in lines):
                return [SourceFinding(name, tuple(lines), evidence[:_EVIDENCE_CHARS])]
    return []
