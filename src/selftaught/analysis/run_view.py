"""One run as its journal tells it, for `selftaught show`; and what stands in a journal.

Event kinds, their keys, and their bodies (`id` is the content id of a text in the store):

`run`, key run_id, at each start of the run, so again when it is resumed:
    {command: "run"|"improve"|"transfer"|"audit", config: {...}, version, seed, model, tier,
    improver: id, tasks: [{name, version, parts: {name: hash}}], task_version_scheme: what versions
    cover (2; without it 1, and no parts), resumed: whether it goes on, cut_requests: how many were
    under way when it was cut, started: ISO time, series: {id: of its first run, index, of: how
    many, usage and wall_s: of the runs of it before this one}, of a run with --repeats only,
    modules_told: [further modules that the meta-utility's description names], where it names any}
`invocation`, an improver run begins:
    {role: "first"|"proposal"|"inner"|"restart"|"improve"|"audit", parent: key, improver: id,
    task|null, stream|null, repeat|null}; of an audit the responses to the improver's first prompt,
    where repeat is the condition
`invocation_end`, same key:
    {outcome: "returned"|failure kind, detail, program: id|null, cpu_s,
    usage: {lm_calls, requests, samples, tokens_in, tokens_out, usd}, utility_uses}
`lm_call`, a request to the model, before it is sent; the requests that one prompt takes have its
    key in common, and a number:
    {invocation: key, request: number, place: of its first response, system: id, user: id, n,
    temperature, max_tokens, seeds, reserved: usage at its most}
`lm_answer`, same key and number, before it is used:
    {invocation: key, request: number, state: "answered", how it failed (ModelFailure.kind),
    "abandoned" (nobody waited any more) or "cut" (under way when the run was cut), detail,
    texts: [id], finishes: [word of the provider], model, usage_reported, usage: {...} as the
    ledger counts it, cost_usd|null}
`clock`, what an improver's clock read: {invocation: key, s: unix seconds}
`diverged`, key of an improver run that, started again, did something else than before:
    {role, detail}
`model_notice`, key of the prompt at which it was found out: {detail}
`evaluation`:
    {program: id, task, task_version, stream, repeat, kind: "scored"|failure kind,
    value: float|null, detail, feedback, per_instance: [float], metrics: {}, cpu_s, tier}
`meta_evaluation`:
    {improver: id, stream, mean, ci95: [lo, hi]|null, n, values: {task: [normalised, per run]}}
`proposal`:
    {t, parent: id, improver: id|null, accepted, val_difference: {mean, ci95, n}|null, reason}
`iteration`: one object of `iterations` of `run --json`.
`baseline`, an improver restarted on test to as many samples as the final improver drew there; the
    lists are by task, an entry an improver run:
    {name: "seed" or a shipped improver's, improver: id, final: id, values: {task: [normalised]},
    mean, ci95: [lo, hi]|null, n, programs: {task: [id of the best by search|null]}, samples and
    final_samples: {task: [how many]}, bounds: {task: [what is 0, what is 1 when normalised]}}
`transfer`, a task on which both improvers were measured; the lists have an entry a paired run:
    {task, lowest: what a failure is worth, improvers: {"seed_improver": id, "improved_improver":
    id}, programs: {"seed_program": [id], "seed_improver": [id|null], "improved_improver": ...},
    values: {the same: [on test|null]}, samples: {the same: [how many were drawn]}}
`transfer_restart`, the same of the seed improver restarted to as many samples as the improved one
    drew, under "seed_restarted".
`audit_tally`, all responses in one condition of a sandbox audit:
    {condition: "without"|"with" a warning, invocation: key, samples: how many came, no_code: how
    many hold no program, programs: {id: how many hold it}}
`audit_verdict`, on a program of the tallies:
    {program: id, signs: [{kind, line, text}], unreadable: why it could not be read or "", trial:
    {outcome: "returned"|failure kind, detail, runs: of the guarded runner, attempts: [{kind,
    detail}], succeeded: [traces outside of the sandbox]}|null}
`result`, key run_id: the whole object of `run --json`, `improve --json`, `transfer --json` or
    `audit sandbox --json`.
`run_end`, key run_id:
    {state: "done"|"budget"|"interrupted"|"failed", detail, usage, wall_s}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from selftaught.analysis.program_diff import unified_diff
from selftaught.analysis.progress import Progress, progress
from selftaught.analysis.run_head import RunHead, run_head
from selftaught.analysis.run_list import RunSummary, list_runs
from selftaught.analysis.spending import Spending, spending
from selftaught.store.reader import Event, JournalReader

__all__ = [
    "Counts",
    "ProgramView",
    "ProposalView",
    "RunSummary",
    "RunView",
    "list_runs",
    "view_run",
]

_VIEWED_KINDS = (
    *("run", "run_end", "result", "iteration", "proposal"),
    *(
        "invocation",
        "invocation_end",
        "lm_call",
        "lm_answer",
        "model_notice",
        "evaluation",
        "diverged",
    ),
)
_STILL_OPEN = "open"


@dataclass(frozen=True, slots=True)
class ProgramView:
    """A program and what sets it apart from an earlier one.

    Attributes:
        source: None if the store does not hold it.
        compared_to: id of the earlier program.
        diff: unified diff from it; empty for equal programs, None where a source is missing or
            too long to compare.
    """

    program_id: str
    source: str | None
    compared_to: str | None
    diff: str | None


@dataclass(frozen=True, slots=True)
class ProposalView:
    """One step of Algorithm 1: what was proposed and what became of it.

    Attributes:
        improver: the proposed improver against its parent; None if the proposal failed.
        val_difference: `{"mean", "ci95", "n"}`, paired on `val`; None if it was not measured.
    """

    t: int
    parent_id: str
    improver: ProgramView | None
    accepted: bool
    val_difference: Mapping[str, Any] | None
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {
            "t": self.t,
            "parent_id": self.parent_id,
            "improver_id": None if self.improver is None else self.improver.program_id,
            "accepted": self.accepted,
            "val_difference": self.val_difference,
            "reason": self.reason,
            "source": None if self.improver is None else self.improver.source,
            "diff": None if self.improver is None else self.improver.diff,
        }


@dataclass(frozen=True, slots=True)
class Counts:
    """How often what happened, each key of the journal counted once.

    Attributes:
        evaluations: by outcome: "scored" or a failure kind.
        invocations: by outcome: "returned", a failure kind, or "open" for those without an end.
        requests: to the model, by state: "answered", "open", or how they failed.
        responses: by the provider's word for why they ended.
        diverged: improver runs that did something else when they were started again.
        resumed: how often the run was gone on with.
    """

    evaluations: Mapping[str, int]
    invocations: Mapping[str, int]
    requests: Mapping[str, int]
    responses: Mapping[str, int]
    diverged: int
    resumed: int


@dataclass(frozen=True, slots=True)
class RunView:
    """One run. `result` is the final object of `--json`, or None while there is none.

    `notices` are what was found out about the model, such as parameters that it does not take.
    """

    head: RunHead
    iterations: tuple[Mapping[str, Any], ...]
    proposals: tuple[ProposalView, ...]
    spending: Spending
    counts: Counts
    notices: tuple[str, ...]
    best: ProgramView | None
    best_value: float | None
    result: Mapping[str, Any] | None

    @property
    def tier(self) -> str:
        """The tier of the sandbox in which all guests ran."""
        return self.head.tier

    def as_json(self) -> dict[str, Any]:
        """The object of `show --json`."""
        return self.head.as_json() | {
            "iterations": [dict(iteration) for iteration in self.iterations],
            "proposals": [proposal.as_json() for proposal in self.proposals],
            "spending": self.spending.as_json(),
            "counts": asdict(self.counts),
            "notices": list(self.notices),
            "best": None if self.best is None else asdict(self.best),
            "best_value": self.best_value,
            "result": self.result,
        }


def view_run(reader: JournalReader, run_id: str) -> RunView:
    """The view of one run as it stands now.

    Args:
        reader: a store that holds the run.
        run_id: its whole id, as `JournalReader.resolve_run` returns it.
    Raises: LookupError if the store does not hold it.
    """
    events = list(reader.events(run_id, _VIEWED_KINDS))
    so_far = progress(events)
    return RunView(
        head=run_head(run_id, events),
        iterations=so_far.iterations,
        proposals=tuple(_proposals(reader, events)),
        spending=spending(events),
        counts=_counts(events),
        notices=tuple(event.body["detail"] for event in events if event.kind == "model_notice"),
        best=_best(reader, events, so_far),
        best_value=so_far.best_value,
        result=so_far.result,
    )


def _latest(events: Sequence[Event], kind: str) -> dict[str, Mapping[str, Any]]:
    """Body by key; a resumed run may have written a key again."""
    return {event.key: event.body for event in events if event.kind == kind}


def _proposals(reader: JournalReader, events: Sequence[Event]) -> list[ProposalView]:
    bodies = sorted(_latest(events, "proposal").values(), key=lambda body: int(body["t"]))
    return [
        ProposalView(
            t=body["t"],
            parent_id=body["parent"],
            improver=_program(reader, body["improver"], body["parent"]),
            accepted=body["accepted"],
            val_difference=body["val_difference"],
            reason=body["reason"] or "",
        )
        for body in bodies
    ]


def _program(
    reader: JournalReader, program_id: str | None, compared_to: str | None
) -> ProgramView | None:
    if program_id is None:
        return None
    source = reader.text(program_id)
    before = None if compared_to is None else reader.text(compared_to)
    diff = None
    if source is not None and before is not None and compared_to is not None:
        diff = unified_diff(before, source, compared_to, program_id)
    return ProgramView(program_id, source, compared_to, diff)


def _counts(events: Sequence[Event]) -> Counts:
    ends = _latest(events, "invocation_end")
    evaluations = _latest(events, "evaluation").values()
    begun = [*(_latest(events, "invocation") | ends)]
    answers = _requests(events, "lm_answer")
    states = dict.fromkeys(_requests(events, "lm_call"), _STILL_OPEN)
    states |= {number: body["state"] for number, body in answers.items()}
    return Counts(
        evaluations=_tally(body["kind"] for body in evaluations),
        invocations=_tally(ends[key]["outcome"] if key in ends else _STILL_OPEN for key in begun),
        requests=_tally(states.values()),
        responses=_tally(word for body in answers.values() for word in body["finishes"]),
        diverged=len(_latest(events, "diverged")),
        resumed=max(0, sum(event.kind == "run" for event in events) - 1),
    )


def _requests(events: Sequence[Event], kind: str) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Body by the key and the number of a request."""
    return {
        (event.key, event.body["request"]): event.body for event in events if event.kind == kind
    }


def _tally(outcomes: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(outcomes).items()))


def _best(reader: JournalReader, events: Sequence[Event], so_far: Progress) -> ProgramView | None:
    return _program(reader, so_far.best_id, _seed_id(events, so_far))


def _seed_id(events: Sequence[Event], so_far: Progress) -> str | None:
    """The first program: the improver of t = 0, or the first solution that was scored."""
    if so_far.iterations and so_far.iterations[0]["t"] == 0:
        return str(so_far.iterations[0]["improver_id"])
    seed = (so_far.result or {}).get("seed") or {}
    if "program_id" in seed:
        return str(seed["program_id"])
    for kind, field in (("proposal", "parent"), ("evaluation", "program")):
        for event in events:
            if event.kind == kind:
                return str(event.body[field])
    return None
