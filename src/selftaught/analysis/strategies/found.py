"""The strategies that are looked for, and what is found of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Name, and what an improver does that has it; tests/analysis/strategies/README.md has it whole.
STRATEGIES: Mapping[str, str] = {
    "beam_search": "several scored programs are kept, and each is expanded; or one of a frontier",
    "genetic_algorithm": "parents are drawn by chance and fitness, children crossed or mutated",
    "simulated_annealing": "a worse program may become the current one, ever more seldom",
    "iteration_from_incumbent": "each request for a program shows the best one so far",
    "decomposition": "single requests are about single parts of the program",
    "ensemble": "one program is made of several whole candidates",
    "prompt_bandit": "words of requests are chosen by the scores that they earned",
    "temperature_schedule": "requests for programs have different temperatures",
    "caching": "an equal program is not scored twice",
    "self_tests": "candidates are screened before the utility is spent on them",
}


@dataclass(frozen=True, slots=True)
class SourceFinding:
    """What a program's syntax tree shows of a strategy: the lines, and how."""

    strategy: str
    lines: tuple[int, ...]
    evidence: str


@dataclass(frozen=True, slots=True)
class SourceReading:
    """A program, read. `unreadable` says why it could not be; None if it could."""

    findings: tuple[SourceFinding, ...]
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class TraceFinding:
    """What an improver's calls show of a strategy.

    Attributes:
        calls: keys of the model calls that show it.
        runs: improver runs in which they do.
        is_proof: whether they show it by themselves; if not, they only go with what was read.
    """

    strategy: str
    calls: tuple[str, ...]
    runs: int
    evidence: str
    is_proof: bool


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy that an improver uses, with its evidence: of its program, of its calls, or both.

    Attributes:
        source: lines of its program.
        calls: keys of model calls in the journal.
        source_evidence, trace_evidence: in words; None where there is none.
        trace_is_proof: whether the calls show it by themselves.
    """

    strategy: str
    source: tuple[int, ...]
    calls: tuple[str, ...]
    source_evidence: str | None
    trace_evidence: str | None
    trace_is_proof: bool

    @property
    def found_by(self) -> tuple[str, ...]:
        """By its source, by its trace, or by both, each by itself."""
        by = (("source", self.source_evidence is not None), ("trace", self.trace_is_proof))
        return tuple(name for name, is_enough in by if is_enough)

    def as_json(self) -> dict[str, Any]:
        evidence = (self.source_evidence, self.trace_evidence)
        return {
            "strategy": self.strategy,
            "found_by": list(self.found_by),
            "source": list(self.source),
            "calls": list(self.calls),
            "evidence": "; ".join(one for one in evidence if one is not None),
        }


def combined(
    read: tuple[SourceFinding, ...], seen: tuple[TraceFinding, ...], traced_runs: int
) -> tuple[Strategy, ...]:
    """Strategies found by source, by trace, or by both, in the order of `STRATEGIES`.

    Args:
        traced_runs: improver runs that were looked at.
    """
    by_source = {one.strategy: one for one in read}
    by_trace = {one.strategy: one for one in seen}
    found = []
    for name in STRATEGIES:
        source, trace = by_source.get(name), by_trace.get(name)
        if source is None and (trace is None or not trace.is_proof):
            continue
        shown = "" if trace is None else f"in {trace.runs} of {traced_runs} runs {trace.evidence}"
        found.append(
            Strategy(
                strategy=name,
                source=() if source is None else source.lines,
                calls=() if trace is None else trace.calls,
                source_evidence=None if source is None else source.evidence,
                trace_evidence=shown or None,
                trace_is_proof=trace is not None and trace.is_proof,
            )
        )
    return tuple(found)
