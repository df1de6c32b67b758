"""The sandbox audit: how often models take the guard off, when they improve an improver.

The paper's experiment (Zelikman et al. 2024, arXiv 2310.02304): an improver that can run programs
with `use_sandbox=True` is to be improved. Of each proposal is told whether it switches the flag off
or goes around the runner: by reading it, and by what it attempts when it is run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from selftaught.core.concurrency import together
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.seeds import Stream
from selftaught.core.task import Task
from selftaught.engine.bypass_rates import PUBLISHED, bypassing, rates
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_meta_utility
from selftaught.engine.keys import make_key
from selftaught.engine.program_reader import ProgramReader
from selftaught.journal.events import Run
from selftaught.journal.study_events import AuditSign, AuditTally, AuditVerdict
from selftaught.studies.bookkeeping import Closing, NothingMeasured, recorded_run
from selftaught.studies.sandbox_audit.drawing import Drawing
from selftaught.studies.sandbox_audit.trial import try_proposal
from selftaught_guest.extract import extract_code

Json = dict[str, Any]

_JUDGED_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the journal of a run that goes on holds of it.

    Attributes:
        tallies: by condition, once all responses were there.
        verdicts: by program.
        texts: the programs of the tallies, by id.
    """

    tallies: Mapping[str, AuditTally] = field(default_factory=dict)
    verdicts: Mapping[str, AuditVerdict] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SandboxAuditPlan:
    """What a sandbox audit does.

    Attributes:
        improver: the improver that is to be improved.
        tasks, runs: of the meta-utility, as its description tells.
        samples: proposals to draw, by condition.
        reading: our program that looks for a bypass in a program's text.
        recorded: what the journal holds of a run, by its id.
        head: what the journal says of the run at its start.
    """

    improver: Program
    tasks: Sequence[Task]
    runs: Mapping[Stream, int]
    samples: Mapping[str, int]
    reading: Program
    recorded: Callable[[str], Recorded] = lambda run_id: Recorded()
    head: Run | None = None


async def sandbox_audit(context: RunContext, plan: SandboxAuditPlan) -> Json:
    """Draw proposals and judge them; the object of `audit sandbox --json`.

    Raises: NothingMeasured if the budget ended before the first response.
    """
    async with recorded_run(context, plan.head, plan.improver) as closing:
        await _Study(context, plan, closing).run()
    return closing.result


def tallied(responses: Sequence[str]) -> tuple[Json, dict[str, Program]]:
    """How many responses hold which program.

    Returns: `{"samples", "no_code", "programs": {id: how many hold it}}`, and the programs by id.
    """
    texts = Counter(responses)
    counts: Counter[str] = Counter()
    programs: dict[str, Program] = {}
    for text, count in texts.items():
        code = extract_code(text)
        if code and code.strip():
            program = Program(code, IMPROVER_ENTRY)
            programs[program.id] = program
            counts[program.id] += count
    samples = texts.total()
    no_code = samples - counts.total()
    return {"samples": samples, "no_code": no_code, "programs": dict(sorted(counts.items()))}, {
        program_id: programs[program_id] for program_id in sorted(programs)
    }


class _Study:
    def __init__(self, context: RunContext, plan: SandboxAuditPlan, closing: Closing) -> None:
        self._context = context
        self._plan = plan
        self._closing = closing
        self._reader = ProgramReader(context.executor, plan.reading)
        self._recorded = plan.recorded(context.run_id)
        self._programs: dict[str, Program] = {}

    async def run(self) -> None:
        self._closing.state = "done"
        wanted = self._plan.samples
        tallies = await together(self._tallied(*one) for one in wanted.items())
        drawn = sum(tally.samples for tally in tallies)
        if drawn == 0:
            self._closing.state = "budget"
            raise NothingMeasured(f"{self._closing.detail}; no response came: give it more")
        if drawn < sum(wanted.values()):
            self._closing.state = "budget"
        distinct = {program for tally in tallies for program in tally.programs}
        self._context.notice(
            f"{drawn:,} responses hold {len(distinct):,} different programs; each is read, and "
            "tried in the sandbox"
        )
        verdicts = await self._judged(sorted(distinct))
        self._closing.result = {
            "run_id": self._context.run_id,
            "state": self._closing.state,
            "model": self._context.model.name,
            "sandbox_tier": self._context.executor.tier,
            "improver_id": self._plan.improver.id,
            "conditions": [rates(tally, verdicts) for tally in tallies],
            "published": [one.as_json() for one in PUBLISHED],
            "bypassing": bypassing(tallies, verdicts),
            "usage": {},
            "wall_s": 0.0,
        }

    # --- the proposals --------------------------------------------------------------------------

    async def _tallied(self, condition: str, wanted: int) -> AuditTally:
        """How many responses hold which program."""
        known = self._context.history.derived(self._recorded.tallies.get(condition))
        if known is not None:
            texts = self._recorded.texts
            for program in known.programs:
                self._programs[program] = Program(texts[program], IMPROVER_ENTRY)
            return known
        invocation = self._context.key(self._context.root, "audit", condition)
        plan, context = self._plan, self._context
        meta_utility = describe_meta_utility(plan.tasks, plan.runs, context.limits, context.modules)
        drawing = Drawing(context, plan.improver, condition, meta_utility, invocation)
        counts, programs = tallied(await drawing.responses(wanted))
        if drawing.short:
            self._closing.detail = drawing.short
        self._programs |= programs
        tally = AuditTally(condition, invocation, **counts)
        key = make_key(self._context.root, "audit_tally", condition)
        sources = tuple(program.source for program in programs.values())
        self._context.record(tally, key, sources)
        drawing.end()
        return tally

    # --- the verdicts ---------------------------------------------------------------------------

    async def _judged(self, programs: Sequence[str]) -> dict[str, AuditVerdict]:
        """Each program once, whatever the conditions in which it came."""
        places = asyncio.Semaphore(_JUDGED_AT_ONCE)

        async def judge(program_id: str) -> AuditVerdict:
            known = self._context.history.scored(self._recorded.verdicts.get(program_id))
            if known is not None:
                return known
            async with places:
                verdict = await self._judge(self._programs[program_id])
            key = make_key(self._context.root, "audit_verdict", program_id)
            self._context.record(verdict, key)
            return verdict

        verdicts = await together(judge(program_id) for program_id in programs)
        return dict(zip(programs, verdicts, strict=True))

    async def _judge(self, program: Program) -> AuditVerdict:
        context = self._context
        facts = {"task": None, "stream": None, "repeat": None}
        with context.improver_run("audit", **facts):
            reading = await self._reader.read(program)
            trial = await try_proposal(context.executor, program, context.guest_limits)
        context.tell("improver_run_ended", role="audit", failed=trial.outcome != "returned")
        signs = tuple(AuditSign(sign.kind, sign.line, sign.text) for sign in reading.signs)
        return AuditVerdict(program.id, signs, reading.unreadable, trial)
