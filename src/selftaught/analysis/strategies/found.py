"""The improvers of a run, each with what rules find in its program and in its calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import structs

from selftaught.analysis.guest_text import PACKAGE
from selftaught.analysis.run_head import read_head
from selftaught.analysis.strategies.observed import Observer
from selftaught.analysis.strategies.rubrics import RUBRICS
from selftaught.analysis.strategies.trace import seen_in
from selftaught.core.outcome import Failed
from selftaught.core.ports import Executor, Job
from selftaught.core.statistics import Estimate
from selftaught.engine.program_reader import guest_program
from selftaught.journal.codec import Event, as_json
from selftaught.journal.events import Invocation, Run
from selftaught.journal.reader import JournalReader
from selftaught.journal.study_events import (
    Iteration,
    MetaEvaluation,
    Proposal,
    StrategyFinding,
    StrategyReading,
    StrategyVerdict,
)

_MODULES = ("improver", "strategies")
LINEAGE_KINDS = (Run, Proposal, Iteration, MetaEvaluation, Invocation)
# Other programs that a run has run as improvers are none of its own: writers, baselines, audits.
_OWN_ROLES = ("inner", "improve")
MAX_CHARS = 200_000
_CPU_S = 10.0
_WHY_CHARS = 300

SourceReading = tuple[tuple[StrategyFinding, ...], str | None]  # and why it could not be read


def origin_of(reader: JournalReader, run: str) -> str:
    """The run by its id, the start of it, or `latest`; of a judge's run the one that it judges.

    Raises: ConfigError if there is none.
    """
    run_id = reader.resolve_run(run)
    head = read_head(reader, run_id)
    return str(head.config["origin"]) if head.command == "strategies" else run_id


def ancestries(events: Iterable[Event]) -> tuple[StrategyReading, ...]:
    """Each improver of a run once, the first first, from its events of `LINEAGE_KINDS`; unread.

    A STOP run's are its seed improver and its proposals; those of another run are the ones that it
    used. A program that was proposed again counts as adopted if it ever was.
    """
    found: dict[str, StrategyReading] = {}
    used: list[str] = []
    measured: dict[tuple[str, str], Estimate] = {}
    is_stop = False
    for event in events:
        match event.body:
            case Run() as start:
                is_stop = start.command == "run"
                if start.improver is not None:
                    found.setdefault(start.improver, StrategyReading(start.improver, 0))
            case Iteration(t=0, improver_id=first):
                found.setdefault(first, StrategyReading(first, 0))
            case Proposal(t=t, improver=str(new)) as step:
                proposed = StrategyReading(new, t, step.parent, step.accepted, step.reason)
                known = found.setdefault(new, proposed)
                if known.accepted is False and proposed.accepted:
                    found[new] = proposed
            case MetaEvaluation() as meta:
                measured[meta.improver, meta.stream] = meta.estimate
            case Invocation() as run if run.role in _OWN_ROLES:
                used.append(run.improver)
    if not is_stop:
        for improver in used:
            found.setdefault(improver, StrategyReading(improver, 0))
    return tuple(
        structs.replace(one, val=measured.get((name, "val")), test=measured.get((name, "test")))
        for name, one in found.items()
    )


async def read_run(
    reader: JournalReader, run_id: str, executor: Executor
) -> tuple[StrategyReading, ...]:
    """All improvers of a run, the one that it began with first."""
    improvers = ancestries(reader.events(run_id, LINEAGE_KINDS))
    texts = reader.texts({one.improver for one in improvers})
    found = await read_sources(executor, texts)
    return await asyncio.to_thread(lambda: tuple(traced(reader, run_id, improvers, found)))


def traced(
    reader: JournalReader,
    run_id: str,
    improvers: Iterable[StrategyReading],
    found: Mapping[str, SourceReading],
) -> Iterator[StrategyReading]:
    """The improvers with what their sources and their calls show."""
    observer = Observer(reader, run_id)
    for one in improvers:
        by_source, why = found.get(one.improver, ((), "the store does not hold its program"))
        by_trace, runs = seen_in(observer.runs_of(one.improver))
        findings = (*by_source, *by_trace)
        yield structs.replace(one, findings=findings, unreadable=why, traced_runs=runs)


async def read_sources(executor: Executor, texts: Mapping[str, str]) -> dict[str, SourceReading]:
    """What programs' texts, which are hostile, show, by id: they are parsed in a guest."""
    job = Job(guest_program(PACKAGE, *_MODULES))
    found = await asyncio.gather(*(_read(executor, job, text) for text in texts.values()))
    return dict(zip(texts, found, strict=True))


async def _read(executor: Executor, job: Job, source: str) -> SourceReading:
    if len(source) > MAX_CHARS:
        return (), f"it has {len(source):,} characters, and at most {MAX_CHARS:,} are read"
    answer: Any = await executor.call(job, (source,), cpu_s=_CPU_S, seed=0)
    match answer:
        case Failed(kind=kind, detail=detail):
            said = f": {detail}".partition("\n")[0] if detail else ""
            return (), f"reading it ended by {kind}{said}"
        case {"unreadable": None, "found": list(found)}:
            return tuple(one for item in found for one in _finding(item)), None
        case {"unreadable": str(why)}:
            return (), why[:_WHY_CHARS]
    return (), "reading it brought no answer of the right form"


def _finding(item: Any) -> Iterator[StrategyFinding]:
    """A guest's answer is data that anybody may have written."""
    match item:
        case [str(name), list(lines)] if name in RUBRICS:
            if all(type(line) is int for line in lines):
                yield StrategyFinding("source", name, RUBRICS[name].shown_by, tuple(lines))


def strategies_json(
    improvers: Iterable[StrategyReading], verdicts: Mapping[str, StrategyVerdict] | None = None
) -> list[dict[str, Any]]:
    """`improvers` of the object of `strategies --json`.

    Args:
        verdicts: of a judge, by improver; None where none was asked.
    """
    return [_improver_json(one, verdicts) for one in improvers]


def _improver_json(
    one: StrategyReading, verdicts: Mapping[str, StrategyVerdict] | None
) -> dict[str, Any]:
    verdict = (verdicts or {}).get(one.improver)
    findings = (*one.findings, *(verdict.findings if verdict is not None else ()))
    found = {
        "improver_id": one.improver,
        **{name: getattr(one, name) for name in ("t", "parent", "accepted", "reason")},
        "val": None if one.val is None else one.val.as_json(),
        "test": None if one.test is None else one.test.as_json(),
        "strategies": [*_strategies(findings)],
        "unreadable": one.unreadable,
        "traced_runs": one.traced_runs,
    }
    if verdicts is not None:
        told = ("call", "thrown_away", "false_quotes", "unusable")
        said = None if verdict is None else {name: getattr(verdict, name) for name in told}
        found["judge"] = said and {**said, "thrown_away": [*said["thrown_away"]]}
    return found


def _strategies(findings: tuple[StrategyFinding, ...]) -> Iterator[dict[str, Any]]:
    """Each strategy that anything was found of, in their order, with all that shows it."""
    for name in RUBRICS:
        about = [one for one in findings if one.strategy == name]
        if about:
            yield {
                "strategy": name,
                "found_by": [one.by for one in about],
                "source": sorted({line for one in about for line in one.lines}),
                "calls": [key for one in about for key in one.calls],
                "evidence": "; ".join(one.evidence for one in about if one.evidence),
                "findings": [
                    {"evidence": "", "lines": [], "calls": [], "quotes": [], **as_json(one)}
                    for one in about
                ],
            }
