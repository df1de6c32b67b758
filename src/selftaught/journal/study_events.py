"""The kinds of events that one study alone writes; see `events`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import msgspec

from selftaught.core.statistics import Estimate
from selftaught.journal.events import EventRecord, Interval, Number, Record, present

# --- a STOP run -----------------------------------------------------------------------------------


class Proposal(EventRecord, frozen=True):
    """A proposed improver and what became of it; its key follows from t.

    Attributes:
        parent: text of the improver that stood.
        improver: text of the proposal; None if that failed.
        val_difference: paired, on val; None if it was not measured.
    """

    kind: ClassVar[str] = "proposal"

    t: int
    parent: str
    improver: str | None
    accepted: bool
    val_difference: Estimate | None
    reason: str

    def text_ids(self) -> Iterator[str]:
        yield from present(self.parent, self.improver)


class StepProposal(Record, frozen=True):
    """A proposal as the step shows it."""

    improver_id: str | None
    accepted: bool
    val_difference: Estimate | None
    reason: str


class Iteration(EventRecord, frozen=True):
    """The improver that stands after step t: one of `iterations` of `run --json`.

    Its key follows from t.
    """

    kind: ClassVar[str] = "iteration"

    t: int
    improver_id: str
    val: Estimate
    test: Estimate
    proposal: StepProposal | None

    def text_ids(self) -> Iterator[str]:
        proposed = None if self.proposal is None else self.proposal.improver_id
        yield from present(self.improver_id, proposed)


class Baseline(EventRecord, frozen=True):
    """An improver restarted on test to as many samples as the final one drew there.

    Its key follows from its name. Lists are by task, an entry an improver run.

    Attributes:
        name: `seed`, or a shipped improver's.
        improver, final: texts.
        mean, ci95, n: the estimate of `values`, which are normalised.
        programs: texts of the best by search; None where no run returned any.
        samples, final_samples: how many were drawn.
        bounds: what is 0 and what is 1 when normalised; None where there is no end.
        seed_values: of tasks without such an end, by what they are normalised (`Scale`).
    """

    kind: ClassVar[str] = "baseline"

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

    def text_ids(self) -> Iterator[str]:
        yield from (self.improver, self.final)
        yield from _all_present(self.programs.values())


# --- other studies --------------------------------------------------------------------------------


class _OfTask(EventRecord, frozen=True):
    task: str
    lowest: Number
    improvers: dict[str, str]
    programs: dict[str, tuple[str | None, ...]]
    values: dict[str, tuple[Number | None, ...]]
    samples: dict[str, tuple[int, ...]]

    def text_ids(self) -> Iterator[str]:
        yield from self.improvers.values()
        yield from _all_present(self.programs.values())


class Transfer(_OfTask, frozen=True):
    """A task on which both improvers were measured; its key follows from the task.

    Lists have an entry a paired run.

    Attributes:
        lowest: what a failure is worth.
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
        program: text.
        unreadable: why it could not be read, or nothing.
    """

    kind: ClassVar[str] = "audit_verdict"

    program: str
    signs: tuple[AuditSign, ...]
    unreadable: str
    trial: AuditTrial | None

    def text_ids(self) -> Iterator[str]:
        yield self.program


def _all_present(lists: Iterable[Iterable[str | None]]) -> Iterator[str]:
    return (one for listed in lists for one in present(*listed))
