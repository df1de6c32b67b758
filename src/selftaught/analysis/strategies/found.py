"""What is found of strategies in an improver's program and in its calls, and both together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from selftaught.analysis.guest_programs.strategies import RULES
from selftaught.analysis.guest_text import PACKAGE
from selftaught.core.outcome import Failed
from selftaught.core.ports import Executor, Job
from selftaught.engine.program_reader import guest_program

# All names, in the order in which they are shown.
STRATEGIES = tuple(RULES)
_MODULES = ("program", "reach", "improver", "thrift", "strategies")
MAX_CHARS = 200_000
_CPU_S = 10.0
_EVIDENCE_CHARS = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """What one way of looking shows of a strategy.

    Attributes:
        by: `source`, `trace`, or whatever else looks.
        lines: of the program.
        calls: keys of the model calls that show it.
        is_proof: whether it shows it by itself; if not, it only goes with what another shows.
    """

    by: str
    strategy: str
    evidence: str
    lines: tuple[int, ...] = ()
    calls: tuple[str, ...] = ()
    is_proof: bool = True


@dataclass(frozen=True, slots=True)
class SourceReading:
    """A program, read. `unreadable` says why it could not be read; None if it could."""

    findings: tuple[Finding, ...]
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy that an improver uses, with all that shows it."""

    strategy: str
    findings: tuple[Finding, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "strategy": self.strategy,
            "found_by": [one.by for one in self.findings if one.is_proof],
            "source": [line for one in self.findings for line in one.lines],
            "calls": [key for one in self.findings for key in one.calls],
            "evidence": "; ".join(one.evidence for one in self.findings),
        }


def combined(*findings: tuple[Finding, ...]) -> tuple[Strategy, ...]:
    """Strategies that one finding proves, with all about them, in the order of `STRATEGIES`."""
    found = []
    for name in STRATEGIES:
        about = tuple(one for several in findings for one in several if one.strategy == name)
        if any(one.is_proof for one in about):
            found.append(Strategy(name, about))
    return tuple(found)


# --- by source: a program's text is parsed in a guest, never in this process ----------------------


def reading_job() -> Job:
    """The guest program that reads strategies."""
    return Job(guest_program(PACKAGE, *_MODULES))


async def read_source(executor: Executor, job: Job, source: str) -> SourceReading:
    """The strategies that a program's text, which is hostile, shows.

    Args:
        job: of `reading_job`, once for many programs.
    """
    if len(source) > MAX_CHARS:
        why = f"it has {len(source):,} characters, and at most {MAX_CHARS:,} are read"
        return SourceReading((), why)
    answer: Any = await executor.call(job, (source,), cpu_s=_CPU_S, seed=0)
    match answer:
        case Failed(kind=kind, detail=detail):
            said = f": {detail}".partition("\n")[0] if detail else ""
            return SourceReading((), f"reading it ended by {kind}{said}")
        case {"unreadable": None, "found": list(found)}:
            return SourceReading(tuple(one for item in found for one in _finding(item)))
        case {"unreadable": str(why)}:
            return SourceReading((), why[:_EVIDENCE_CHARS])
    return SourceReading((), "reading it brought no answer of the right form")


def _finding(item: Any) -> list[Finding]:
    """A guest's answer is data that anybody may have written."""
    match item:
        case {"strategy": str(name), "lines": list(lines), "evidence": str(evidence)}:
            if name in STRATEGIES and all(type(line) is int for line in lines):
                return [Finding("source", name, evidence[:_EVIDENCE_CHARS], tuple(lines))]
    return []
