"""A run once more from its journal, and what came out otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any

from selftaught.core.errors import BudgetExceeded, InfrastructureError
from selftaught.core.language_model import Completions, FreeModel, Prompt
from selftaught.core.statistics import close
from selftaught.engine.raised import Raises
from selftaught.journal.codec import Body, Event, as_json
from selftaught.journal.events import (
    Diverged,
    Invocation,
    InvocationEnd,
    Result,
    RunEnd,
)
from selftaught.journal.port import NoJournal
from selftaught.journal.race_events import SCORES
from selftaught.journal.record import EventRecord
from selftaught.journal.study_events import MetaEvaluation
from selftaught.studies.study import ImproverFailed, NothingMeasured, Study

# What is compared, event by event, by kind and key, besides what the study alone writes; clocks and
# the machine's speed are left out, and what sums up the events themselves.
_COMPARED = (Invocation, InvocationEnd, *SCORES, MetaEvaluation, Result)
_VOLATILE = frozenset(
    {"cpu_s", "wall_s", "tier", "sandbox_tier", "usage", "models", "short", "outcomes"}
)


class ReplayJournal(NoJournal):
    """Keeps what a replay would have written."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Body]] = []

    def append(self, run_id: str, body: Body, key: str, texts: Sequence[str] = ()) -> None:
        self.events.append((key, body))


class Silent(FreeModel):
    """The model of a replay, and of what is only finished: it is never asked anything."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def sample(self, prompt: Prompt) -> Completions:
        raise InfrastructureError("a replay and --finish ask no model")


async def replayed(study: Awaitable[Any]) -> None:
    """Run a study to where its journal ends."""
    try:
        await study
    except (BudgetExceeded, NothingMeasured, ImproverFailed):
        return  # the journal ends here: so did the run


def compared(
    study: Study[Any], before: Iterable[Event], journal: ReplayJournal, *, rescored: bool
) -> dict[str, Any]:
    """What stands in the journal of a run against what its replay came to.

    Returns: `{"events": {kind: count}, "differences": [{"kind", "key", "before", "now"}],
        "diverged": [{"key", "detail"}], "rescored": bool}`. An event that the replay did not come
        to is a difference whose `now` is None.
    """
    told: tuple[type[EventRecord], ...] = (*_COMPARED, *study.events())
    now = {
        (body.kind, key): _stable(as_json(body))
        for key, body in journal.events
        if isinstance(body, told)
    }
    # What the replay read of scores it did not write; with --rescore it did.
    read: tuple[type[EventRecord], ...] = () if rescored else (*SCORES, *study.scores())
    kinds = tuple(kind for kind in told if kind not in read)
    listed: list[Event] = []
    raises, optional, has_failed = Raises(), set[tuple[str, str]](), False
    for event in before:
        if isinstance(event.body, RunEnd):
            has_failed = event.body.state == "failed"
        optional.update((one.kind, one.key) for one in raises.add(event).events)
        if isinstance(event.body, kinds):
            listed.append(event)
            optional.discard((event.kind, event.key))
    ended = {event.key for event in listed if isinstance(event.body, InvocationEnd)}
    then = {
        (event.kind, event.key): _stable(as_json(event.body))
        for event in listed
        # Where the run was cut, all ends; what a raised budget set aside need not come, nor what
        # was under way beside a failure.
        if (not isinstance(event.body, Invocation) or event.key in ended)
        and (
            (event.kind, event.key) in now
            or not (has_failed or (event.kind, event.key) in optional)
        )
    }
    differences = [
        {"kind": kind, "key": key, "before": body, "now": now.get((kind, key))}
        for (kind, key), body in then.items()
        if _as_much(now.get((kind, key)), body) != body
    ]
    diverged = [
        {"key": key, "detail": body.detail}
        for key, body in journal.events
        if isinstance(body, Diverged)
    ]
    return {
        "events": dict(sorted(Counter(kind for kind, _ in then).items())),
        "differences": differences,
        "diverged": diverged,
        "rescored": rescored,
    }


def _as_much(now: Any, before: Any) -> Any:
    """What an event of now says of what it said before: older versions said less, and intervals are
    the same to ten digits, as quantiles are.
    """
    if isinstance(now, Mapping) and isinstance(before, Mapping):
        said = {name: _as_much(now[name], before[name]) for name in now if name in before}
        if _is_same_interval(said.get("ci95"), before.get("ci95")):
            said["ci95"] = before["ci95"]
        return said
    if isinstance(now, list) and isinstance(before, list) and len(now) == len(before):
        return [_as_much(one, other) for one, other in zip(now, before, strict=True)]
    return now


def _is_same_interval(now: Any, before: Any) -> bool:
    both = isinstance(now, list) and isinstance(before, list) and len(now) == len(before)
    return both and all(map(close, now, before))


def _stable(body: Any) -> Any:
    if isinstance(body, Mapping):
        return {name: _stable(part) for name, part in body.items() if name not in _VOLATILE}
    if isinstance(body, list):
        return [_stable(part) for part in body]
    return body
