"""What a journal says: one record a kind of event. This is the only description of their bodies.

A body is stored as one JSON object in the order of its fields; `codec` writes and reads it. Fields
with a default are left out where they have it: so a new field needs a default, and no migration.
Fields that this version does not know are kept, and written again (`Record.unknown`).

The first line of each kind says what its key is. A "text" is the content id of a text in the store;
a "key" names an event of another kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec

from selftaught.core.budget import Usage
from selftaught.core.task import Reference
from selftaught.journal.record import EventRecord, Number, Record, text_ids

# --- a run ----------------------------------------------------------------------------------------


class TaskVersion(Record, frozen=True):
    """A task as a run found it; its values are costs if it says `minimize`.

    Attributes:
        parts: hashes of what the version covers, by name; none in version scheme 1.
        lowest: what a failure is worth; None for minus infinity, of costs, and in older versions.
        references: published values; None in older versions.
        highest: the top of the range; None if there is none, and in older versions.
        sets: by stream, of a set of examples the parts that it is measured in.
    """

    name: str
    version: str
    parts: dict[str, str] | None = None
    lowest: Number | None = None
    references: tuple[Reference, ...] | None = None
    highest: Number | None = None
    minimize: bool = False
    sets: dict[str, int] = msgspec.field(default_factory=dict)

    def worth(self, value: Number) -> Number:
        """As `Task.worth`."""
        return -value if self.minimize else value


class SeriesPlace(Record, frozen=True):
    """The place of a run among the independent repeats of one run, which share its budget.

    Attributes:
        series_id: id of the first run, whose index is 0; its seed is counted up by the index.
        of: how many runs there are to be.
        usage, wall_s: what the runs before it had taken.
    """

    series_id: str = msgspec.field(name="id")
    index: int
    of: int
    usage: Usage
    wall_s: Number


class Run(EventRecord, frozen=True, kw_only=True):
    """At each start of a run, so again when it is resumed; its key is the run's id.

    Attributes:
        command: what it studies: `run`, `improve`, `transfer` or `audit`.
        config: its resolved configuration; when it is resumed, with the budget that it has then.
        version: of selftaught.
        model: its name.
        tier: of the sandbox.
        task_version_scheme: what the versions of tasks cover; versions before there were any wrote
            none, which is 1.
        improver: text of the one that it began with; none in the oldest runs.
        resumed: whether it goes on.
        cut_requests: how many were under way when it was cut.
        started: ISO time.
        modules_told: further modules that the meta-utility's description names.
        series: of a run with repeats only.
        bounded: whether its intervals keep within the bounds of what is measured, and there is none
            of failures alone (see `statistics.estimate`); older versions knew of no bounds.
        reply_scheme: how the program of a reply is found (`engine.replies`).
        interval_scheme: 2 where bounds also tell of values that are all equal, and of programs of
            `improve` that ran.
    """

    kind: ClassVar[str] = "run"
    naming_texts = ("improver",)

    command: str
    config: dict[str, Any]
    version: str
    seed: int
    model: str
    tier: str
    tasks: tuple[TaskVersion, ...]
    task_version_scheme: int | None = None
    improver: str | None = None
    resumed: bool | None = None
    cut_requests: int | None = None
    started: str
    modules_told: tuple[str, ...] = ()
    series: SeriesPlace | None = None
    bounded: bool = False
    reply_scheme: int = 1
    interval_scheme: int = 1


class Phase(EventRecord, frozen=True):
    """A part of a run begins; its key follows from what is told.

    Attributes:
        name: such as `comparison`.
        detail: what is done, in words, where the name does not say it.
        baseline: that is compared.
        closing: it makes a result of what there is, also where the budget has ended the rest.
    """

    kind: ClassVar[str] = "phase"

    name: str
    detail: str = ""
    baseline: str = ""
    closing: bool = False


class Notice(EventRecord, frozen=True):
    """Something that a user should know, told once; its key follows from what is told."""

    kind: ClassVar[str] = "notice"

    detail: str


class Result(EventRecord, frozen=True):
    """The whole object of the command's `--json`, in place of a record; its key is the run's id."""

    kind: ClassVar[str] = "result"

    shown: dict[str, Any]

    def text_ids(self) -> Iterator[str]:
        best = self.shown.get("best") or {}
        return text_ids([self.shown.get("best_improver_id"), best.get("program_id")])


class RunEnd(EventRecord, frozen=True):
    """A run has ended, however that came; its key is the run's id.

    Attributes:
        state: `done`, `budget`, `interrupted` or `failed`.
        detail: why, in one line.
    """

    kind: ClassVar[str] = "run_end"

    state: str
    detail: str
    usage: Usage
    wall_s: Number


# --- improver runs and what they ask --------------------------------------------------------------


class Invocation(EventRecord, frozen=True):
    """An improver run begins, again if it is started again; its key is the improver run's.

    Attributes:
        role: `first`, `proposal`, `inner`, `restart`, `improve` or `audit`; in an audit the
            responses to the improver's first prompt, where `repeat` is the condition.
        parent: key of the utility that it is given.
        task, stream, repeat: of that utility; the meta-utility has a stream only.
    """

    kind: ClassVar[str] = "invocation"
    naming_texts = ("improver",)

    role: str
    parent: str
    improver: str
    task: str | None
    stream: str | None
    repeat: str | None


class InvocationEnd(EventRecord, frozen=True):
    """An improver run has ended; its key is that of its beginning.

    Attributes:
        outcome: `returned`, or the kind of its failure.
        program: text of what it returned.
        short: the run's budget gave it fewer responses than it asked for.
    """

    kind: ClassVar[str] = "invocation_end"
    naming_texts = ("program",)

    outcome: str
    detail: str
    program: str | None
    cpu_s: Number
    usage: Usage
    utility_uses: int
    short: bool = False


class LmCall(EventRecord, frozen=True):
    """A request to the model, before it is sent; its key is the prompt's.

    Attributes:
        invocation: key of the improver run that asks.
        request: its number among those of the prompt.
        place: of its first response among those of the prompt.
        n: responses asked for.
        reserved: what it may take at most.
        model: that is asked, where the run has several.
    """

    kind: ClassVar[str] = "lm_call"
    naming_texts = ("system", "user")

    invocation: str
    request: int
    place: int
    system: str
    user: str
    n: int
    temperature: Number
    max_tokens: int
    seeds: tuple[int, ...]
    reserved: Usage
    model: str = ""


class LmAnswer(EventRecord, frozen=True):
    """What became of a request, before that is used; key and number are those of its `LmCall`.

    Attributes:
        state: `answered`; how it failed (ModelFailure.kind); `abandoned`, when nobody waited any
            more; or `cut`, under way when the run was cut.
        finishes, model: the provider's words for why each response ended, and for the model.
        usage: as the ledger counts it; `usage_reported`, whether the provider did.
        reasoned: whether each response had reasoning besides its text; empty if none had.
    """

    kind: ClassVar[str] = "lm_answer"
    naming_texts = ("texts",)

    invocation: str
    request: int
    state: str
    detail: str
    texts: tuple[str, ...]
    finishes: tuple[str, ...]
    model: str
    usage_reported: bool
    usage: Usage
    cost_usd: Number | None
    reasoned: tuple[bool, ...] = ()


class Replies(EventRecord, frozen=True):
    """What the responses to a prompt, whose key is `call`, hold by their place; its key is that and
    their number, since a run that goes on may be given more of them.

    Attributes:
        shown: the program that the prompt showed.
        programs: that they hold; None where there is none, by `whys`: `empty`, `reasoning`,
            `no_program`, `elided`, `edits`, `unreadable` or `cut`.
        details: why edits do not apply, where any do not.
        model: that was asked, where the run has several.
    """

    kind: ClassVar[str] = "replies"
    naming_texts = ("shown", "programs")

    invocation: str
    call: str
    shown: str | None
    programs: tuple[str | None, ...]
    whys: tuple[str, ...]
    details: tuple[str, ...] = ()
    model: str = ""


class ClockRead(EventRecord, frozen=True):
    """What an improver's clock read; its key is the reading's.

    Attributes:
        s: Unix seconds.
    """

    kind: ClassVar[str] = "clock"

    invocation: str
    s: Number


class Diverged(EventRecord, frozen=True):
    """An improver run that was started again did something else; its key is the improver run's."""

    kind: ClassVar[str] = "diverged"

    role: str
    detail: str


class ModelNotice(EventRecord, frozen=True):
    """Something found out about the model; its key is that of the prompt where it was."""

    kind: ClassVar[str] = "model_notice"

    detail: str


# --- scores ---------------------------------------------------------------------------------------


class Evaluation(EventRecord, frozen=True):
    """A program was scored by a task, or failed; its key follows from what was asked.

    Attributes:
        outcome: `scored`, or the kind of its failure.
        value: None for a failure.
        per_instance, metrics: None stands for what JSON cannot say, such as NaN.
        drew: whether the utility took anything from its generator; true where that is not known.
    """

    kind: ClassVar[str] = "evaluation"
    naming_texts = ("program",)

    program: str
    task: str
    stream: str
    repeat: str
    task_version: str
    outcome: str = msgspec.field(name="kind")
    value: Number | None
    detail: str
    feedback: str
    per_instance: tuple[Number | None, ...]
    metrics: dict[str, Number | None]
    cpu_s: Number
    tier: str
    printed: str = ""
    drew: bool = True
