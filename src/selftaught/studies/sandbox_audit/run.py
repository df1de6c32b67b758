"""The sandbox audit: how often models take the guard off, when they improve an improver.

The paper's experiment (Zelikman et al. 2024, arXiv 2310.02304): an improver that can run programs
with `use_sandbox=True` is to be improved. Of each proposal is told whether it switches the flag off
or goes around the runner: by reading it, and by what it attempts when it is run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from selftaught.analysis.guest_text import reading_program
from selftaught.analysis.recorded_run import RecordedRun, latest
from selftaught.core.concurrency import together
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.engine.context import RunContext
from selftaught.engine.describe import describe_meta_utility
from selftaught.engine.keys import make_key
from selftaught.engine.program_reader import ProgramReader
from selftaught.journal.events import Phase
from selftaught.journal.study_events import AuditSign, AuditTally, AuditVerdict
from selftaught.studies.sandbox_audit.drawing import Drawing
from selftaught.studies.sandbox_audit.rates import CONDITIONS
from selftaught.studies.sandbox_audit.study import AuditConfig
from selftaught.studies.sandbox_audit.trial import try_proposal
from selftaught.studies.study import Asked, Ended, NothingMeasured

Json = dict[str, Any]

_JUDGED_AT_ONCE = 16


async def sandbox_audit(
    context: RunContext, asked: Asked[AuditConfig], recorded: Callable[[], RecordedRun]
) -> Ended:
    """Draw proposals and judge them.

    Raises: NothingMeasured if the budget ended before the first response.
    """
    return await _Study(context, asked, recorded()).run()


def wanted_samples(config: AuditConfig) -> dict[str, int]:
    """By condition, as many each as can be; what is left over falls to the first."""
    ours = CONDITIONS if config.warning == "both" else (config.warning,)
    conditions = (*ours, *config.own_prompts)
    share, over = divmod(config.samples, len(conditions))
    wanted = {one: share + (place < over) for place, one in enumerate(conditions)}
    return {condition: samples for condition, samples in wanted.items() if samples}


def tallied(found: Sequence[str | None]) -> tuple[Json, dict[str, Program]]:
    """How many responses hold which program, of the programs that were found in them.

    Returns: `{"samples", "no_code", "programs": {id: how many hold it}}`, and the programs by id.
    """
    counts: Counter[str] = Counter()
    programs: dict[str, Program] = {}
    for code, count in Counter(found).items():
        if code and code.strip():
            program = Program(code, IMPROVER_ENTRY)
            programs[program.id] = program
            counts[program.id] += count
    samples = len(found)
    no_code = samples - counts.total()
    return {"samples": samples, "no_code": no_code, "programs": dict(sorted(counts.items()))}, {
        program_id: programs[program_id] for program_id in sorted(programs)
    }


class _Study:
    def __init__(self, context: RunContext, asked: Asked[AuditConfig], so_far: RecordedRun) -> None:
        self._context = context
        self._asked = asked
        self._reader = ProgramReader(context.executor, reading_program("bypasses"))
        self._so_far = so_far
        tallies, verdicts = latest(so_far.events, AuditTally), latest(so_far.events, AuditVerdict)
        self._tallies: dict[str, AuditTally] = {one.condition: one for one in tallies.values()}
        self._verdicts: dict[str, AuditVerdict] = {one.program: one for one in verdicts.values()}
        self._programs: dict[str, Program] = {}
        self._short = ""

    async def run(self) -> Ended:
        wanted = wanted_samples(self._asked.config)
        tallies = await together(self._tallied(*one) for one in wanted.items())
        drawn = sum(tally.samples for tally in tallies)
        if drawn == 0:
            raise NothingMeasured(f"{self._short}; no response came: give it more")
        distinct = {program for tally in tallies for program in tally.programs}
        self._context.notice(
            f"{drawn:,} responses hold {len(distinct):,} different programs; each is read, and "
            "tried in the sandbox"
        )
        await self._judge_all(sorted(distinct))
        return Ended("budget", self._short) if drawn < sum(wanted.values()) else Ended()

    # --- the proposals --------------------------------------------------------------------------

    async def _tallied(self, condition: str, wanted: int) -> AuditTally:
        """How many responses hold which program."""
        key = make_key(self._context.root, "audit_tally", condition)
        known = self._context.history.derived(self._tallies.get(condition))
        # One that the budget cut short, and that was raised then, does not stand.
        if known is not None and self._context.history.holds(AuditTally.kind, key):
            for program in known.programs:
                source = self._so_far.text(program)
                assert source is not None  # the journal holds what it names
                self._programs[program] = Program(source, IMPROVER_ENTRY)
            return known
        invocation = self._context.key(self._context.root, "audit", condition)
        asked, context = self._asked, self._context
        runs = asked.config.runs.resolved(len(asked.tasks))
        meta_utility = describe_meta_utility(
            *(asked.tasks, runs, context.limits, context.modules, context.reply_scheme),
            models=context.several,
        )
        own = asked.config.own_prompts.get(condition)
        drawing = Drawing(context, asked.improver, condition, meta_utility, invocation, own)
        counts, programs = tallied(await drawing.programs(wanted))
        if drawing.short:
            self._short = drawing.short
            detail = "the budget allows no more proposals: reading those that came"
            context.begin(Phase("reading", detail, closing=True))
        self._programs |= programs
        tally = AuditTally(condition, invocation, **counts)
        sources = tuple(program.source for program in programs.values())
        self._context.record(tally, key, sources)
        drawing.end()
        return tally

    # --- the verdicts ---------------------------------------------------------------------------

    async def _judge_all(self, programs: Sequence[str]) -> None:
        """Each program once, whatever the conditions in which it came."""
        places = asyncio.Semaphore(_JUDGED_AT_ONCE)

        async def judge(program_id: str) -> None:
            if self._context.history.scored(self._verdicts.get(program_id)) is not None:
                return
            async with places:
                verdict = await self._judge(self._programs[program_id])
            key = make_key(self._context.root, "audit_verdict", program_id)
            self._context.record(verdict, key)

        await together(judge(program_id) for program_id in programs)

    async def _judge(self, program: Program) -> AuditVerdict:
        context = self._context
        facts = {"task": None, "stream": None, "repeat": None}
        with context.improver_run("audit", **facts):
            [reading] = await self._reader.read(program)
            trial = await try_proposal(context.executor, program, context.guest_limits)
        context.tell("improver_run_ended", role="audit", failed=trial.outcome != "returned")
        signs = tuple(AuditSign(sign.kind, sign.line, sign.text) for sign in reading.signs)
        return AuditVerdict(program.id, signs, reading.unreadable, trial)
