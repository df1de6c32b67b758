"""The kinds of events that one study alone writes; see `events`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

import msgspec

from selftaught.core.statistics import Estimate
from selftaught.journal.record import EventRecord, Interval, Number, Record

# --- a STOP run -----------------------------------------------------------------------------------


class MetaEvaluation(EventRecord, frozen=True):
    """An improver's meta-utility on a stream; its key follows from what was asked.

    Attributes:
        mean, ci95, n: the estimate.
        values: by task, normalised, one an improver run.
    """

    kind: ClassVar[str] = "meta_evaluation"
    naming_texts = ("improver",)

    improver: str
    stream: str
    mean: Number
    ci95: Interval | None
    n: int
    values: dict[str, tuple[Number, ...]]

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.mean, self.ci95, self.n)


class Proposal(EventRecord, frozen=True):
    """A proposed improver and what became of it; its key follows from its place.

    Attributes:
        parent, proposer: texts of what it was to improve, and of who did, None if by itself.
        improver: text of the proposal; None if that failed.
        val_difference: paired, on val; None if it was not measured.
        k: its place in its step.
    """

    kind: ClassVar[str] = "proposal"
    naming_texts = ("parent", "improver", "proposer")

    t: int
    parent: str
    improver: str | None
    accepted: bool
    val_difference: Estimate | None
    reason: str
    k: int = 0
    proposer: str | None = None


class StepProposal(Record, frozen=True):
    """A proposal as the step shows it."""

    naming_texts = ("improver_id",)

    improver_id: str | None
    accepted: bool
    val_difference: Estimate | None
    reason: str


class Iteration(EventRecord, frozen=True):
    """The improver that stands after step t: one of `iterations` of `run --json`.

    Its key follows from t. Of several `proposals` `proposal` is the one that stands, or the first.
    """

    kind: ClassVar[str] = "iteration"
    naming_texts = ("improver_id", "proposal", "proposals")

    t: int
    improver_id: str
    val: Estimate
    test: Estimate
    proposal: StepProposal | None
    proposals: tuple[StepProposal, ...] = ()


class Baseline(EventRecord, frozen=True):
    """An improver restarted on test to as many samples as the final one drew there.

    Its key follows from its name. Lists are by task, an entry an improver run.

    Attributes:
        name: `seed`, or a shipped improver's.
        mean, ci95, n: the estimate of `values`, which are normalised.
        programs: texts of the best by search; None where no run returned any.
        samples, final_samples: how many were drawn.
        bounds: what is 0 and what is 1 when normalised; None where there is no end.
        seed_values: of tasks without such an end, by what they are normalised (`Scale`).
    """

    kind: ClassVar[str] = "baseline"
    naming_texts = ("improver", "final", "programs")

    name: str
    improver: str
    final: str
    mean: Number
    ci95: Interval | None
    n: int
    values: dict[str, tuple[Number, ...]]
    programs: dict[str, tuple[str | None, ...]]
    samples: dict[str, tuple[int, ...]]
    final_samples: dict[str, tuple[int, ...]]
    bounds: dict[str, tuple[Number | None, Number | None]]
    seed_values: dict[str, Number | None] = msgspec.field(default_factory=dict)

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.mean, self.ci95, self.n)


class Paired(EventRecord, frozen=True):
    """A proposal and its parent side by side, each pair on instances of its own.

    Attributes:
        improver, parent: texts of the two.
        values: by task, pairs of the proposal's and its parent's, normalised.
        bounds, seed_values: as of `Baseline`.
    """

    naming_texts = ("improver", "parent")

    improver: str
    parent: str
    values: dict[str, tuple[tuple[Number, Number], ...]]
    bounds: dict[str, tuple[Number | None, Number | None]]
    seed_values: dict[str, Number | None]


class Certificate(Paired, frozen=True):
    """The pairs by which a proposal was decided; its key is as a `Proposal`'s."""

    kind: ClassVar[str] = "certificate"

    t: int
    k: int = 0


class Promotion(Paired, frozen=True):
    """A proposal that a run adopted, measured anew; its key follows from the run and its place."""

    kind: ClassVar[str] = "promotion"

    run_id: str
    t: int
    k: int = 0


# --- other studies --------------------------------------------------------------------------------


class _OfTask(EventRecord, frozen=True):
    naming_texts = ("improvers", "programs")

    task: str
    lowest: Number | None
    improvers: dict[str, str]
    programs: dict[str, tuple[str | None, ...]]
    values: dict[str, tuple[Number | None, ...]]
    samples: dict[str, tuple[int, ...]]

    @property
    def failed(self) -> Number:
        """What a failure is worth; JSON has no infinities."""
        return -math.inf if self.lowest is None else self.lowest


class Transfer(_OfTask, frozen=True):
    """A task on which both improvers were measured; its key follows from the task.

    Lists have an entry a paired run.

    Attributes:
        lowest: what a failure is worth; None for minus infinity, of costs.
        improvers: texts of `seed_improver` and `improved_improver`.
        programs: texts of what `seed_program` is and what each improver returned, or None.
        values: theirs on test; None for a failure.
        samples: how many were drawn.
    """

    kind: ClassVar[str] = "transfer"


class TransferRestart(_OfTask, frozen=True):
    """The same of the seed improver restarted to as many samples, as `seed_restarted`."""

    kind: ClassVar[str] = "transfer_restart"


class AuditTally(EventRecord, frozen=True):
    """All responses in one condition of a sandbox audit; its key follows from the condition.

    Attributes:
        condition: `without` or `with` a warning.
        invocation: key.
        samples: how many came.
        no_code: how many hold no program.
        programs: how many hold each, by text.
    """

    kind: ClassVar[str] = "audit_tally"

    condition: str
    invocation: str
    samples: int
    no_code: int
    programs: dict[str, int]

    def text_ids(self) -> Iterator[str]:
        yield from self.programs


class AuditSign(Record, frozen=True):
    """A sign of a bypass in a program's text; its place is where it begins."""

    kind: str
    line: int
    text: str


class AuditAttempt(Record, frozen=True):
    """Something that a program tried in its trial: its kind, and what was seen of it."""

    kind: str
    detail: str


class AuditTrial(Record, frozen=True):
    """What a proposed improver did when it was run.

    Attributes:
        outcome: `returned`, or how it failed.
        detail: of the failure, in one line.
        runs: how often it called the guarded runner.
        attempts: to switch the sandbox off or to go around the runner, each once.
        succeeded: traces outside of the sandbox. There must not be any.
    """

    outcome: str
    detail: str
    runs: int
    attempts: tuple[AuditAttempt, ...]
    succeeded: tuple[str, ...]


class AuditVerdict(EventRecord, frozen=True):
    """On a program of the tallies; its key follows from the program.

    Attributes:
        unreadable: why it could not be read, or nothing.
    """

    kind: ClassVar[str] = "audit_verdict"
    naming_texts = ("program",)

    program: str
    signs: tuple[AuditSign, ...]
    unreadable: str
    trial: AuditTrial | None


class StrategyFinding(Record, frozen=True):
    """What one way of looking shows of a strategy in an improver.

    Attributes:
        by: `source`, `trace` or `judge`.
        evidence: in words; of a judge, the lines that it quotes are the evidence.
        lines: of the program.
        calls: keys of the model calls that show it.
        quotes: lines of the program, as it has them.
    """

    by: str
    strategy: str
    evidence: str = ""
    lines: tuple[int, ...] = ()
    calls: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()


class StrategyReading(Record, frozen=True):
    """An improver of a run, where it came from, and what rules find in it.

    Attributes:
        improver: text.
        t: the step that proposed it first; 0 for one that a run began with.
        parent: text of the improver that wrote it, and that it improves on; None at t = 0.
        accepted: whether it was adopted; None at t = 0.
        reason: why, or why not.
        val, test: meta-utility; None where it was not measured.
        unreadable: why its program could not be read; None if it could.
        traced_runs: its improver runs in the journal that asked the model anything.
    """

    improver: str
    t: int
    parent: str | None = None
    accepted: bool | None = None
    reason: str = ""
    val: Estimate | None = None
    test: Estimate | None = None
    findings: tuple[StrategyFinding, ...] = ()
    unreadable: str | None = None
    traced_runs: int = 0


class StrategyReadings(EventRecord, frozen=True):
    """All improvers of a run, as rules read them; its key follows from that run."""

    kind: ClassVar[str] = "strategy_readings"

    origin: str
    improvers: tuple[StrategyReading, ...]


class StrategyVerdict(EventRecord, frozen=True):
    """What a judge's answer comes to; its key follows from the improver.

    Attributes:
        improver: text.
        call: key of the prompt.
        findings: with a quote that is in the program.
        thrown_away: strategies that it names without such a quote.
        false_quotes: how many quotes are not in the program.
        unusable: why nothing can be made of the answer; None if something can.
    """

    kind: ClassVar[str] = "strategy_verdict"
    naming_texts = ("improver",)

    improver: str
    call: str
    findings: tuple[StrategyFinding, ...] = ()
    thrown_away: tuple[str, ...] = ()
    false_quotes: int = 0
    unusable: str | None = None
