"""The object of a study's `--json`: what its events come to, and what all of them have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, outcomes
from selftaught.analysis.replies import by_model
from selftaught.analysis.run_head import RunHead
from selftaught.analysis.spending import spending
from selftaught.core.statistics import close
from selftaught.journal.codec import Event
from selftaught.journal.events import Run
from selftaught.studies.study import Study

ENDED = ("done", "budget")
STOPPED = "stopped"
_STATES = {"interrupted": STOPPED, "killed": STOPPED}
_SHOWN_CHARS = 120
# What papers say of other models, of which an older version may have told less.
_PUBLISHED = "published"


def result_of(study: Study[Any], run: RecordedRun) -> dict[str, Any] | None:
    """The result of a run; None if it measured nothing.

    Of one that has not come to its end it is the best so far, measured as far as it is; None where
    its study has no such thing. Its state is then `stopped`, `failed`, or `running`.
    """
    head = run.head
    if not (has_ended(head) or study.stands):
        return None
    own = study.result_of(run)
    if own is None:
        return None
    models = by_model(run.events)
    usage = spending(run.events).total if head.usage is None else head.usage
    return {
        "run_id": run.run_id,
        "state": _STATES.get(head.state, head.state),
        "model": run.head.model,
        "sandbox_tier": run.head.tier,
        **own,
        "outcomes": outcomes(run.events),
        "usage": asdict(usage),
        **({"models": models} if models else {}),
        "wall_s": _elapsed_s(run.events) if head.wall_s is None else head.wall_s,
    }


def has_ended(head: RunHead) -> bool:
    """Whether there is nothing more to do in a run."""
    return head.state in ENDED


def _elapsed_s(events: Sequence[Event]) -> float:
    """Of the parts of a run, each from its start to the last of its events."""
    pairs = pairwise(events)
    return sum(b.at - a.at for a, b in pairs if b.at > a.at and not isinstance(b.body, Run))


def differences(said: Any, found: Any, where: str = "") -> Iterator[str]:
    """Where a result that was written down is not what its events come to.

    Numbers may differ in their last digits, since they are computed anew; an older version may
    have said less.
    """
    if isinstance(said, Mapping) and isinstance(found, Mapping):
        for name, one in said.items():
            place = f"{where}.{name}" if where else name
            if name == _PUBLISHED:
                continue
            if name in found:
                yield from differences(one, found[name], place)
            else:
                yield f"nothing comes to its {place}"
    elif isinstance(said, (list, tuple)) and isinstance(found, (list, tuple)):
        if len(said) != len(found):
            yield f"{where} come to {len(found)}, and it says {len(said)}"
            return
        for place, (one, other) in enumerate(zip(said, found, strict=True)):
            yield from differences(one, other, f"{where}[{place}]")
    elif not _alike(said, found):
        yield f"its {where} comes to {_short(found)}, and it says {_short(said)}"


def _short(value: Any) -> str:
    """In one line, and not a whole program."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}..."


def _alike(said: Any, found: Any) -> bool:
    numbers = (int, float)
    if isinstance(said, numbers) and isinstance(found, numbers):
        return close(said, found)
    return bool(said == found)
