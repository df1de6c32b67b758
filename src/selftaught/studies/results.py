"""The object of a study's `--json`: what its events come to, and what all of them have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, outcomes
from selftaught.core.statistics import close
from selftaught.studies.study import Study

ENDED = ("done", "budget")
_SHOWN_CHARS = 120


def result_of(study: Study[Any], run: RecordedRun) -> dict[str, Any] | None:
    """The result of a run that has ended; None if it has not, or measured nothing."""
    end = run.head.end
    if end is None or end.state not in ENDED:
        return None
    own = study.result_of(run)
    if own is None:
        return None
    return {
        "run_id": run.run_id,
        "state": end.state,
        "model": run.head.model,
        "sandbox_tier": run.head.tier,
        **own,
        "outcomes": outcomes(run.events),
        "usage": asdict(end.usage),
        "wall_s": end.wall_s,
    }


def differences(said: Any, found: Any, where: str = "") -> Iterator[str]:
    """Where a result that was written down is not what its events come to.

    Numbers may differ in their last digits, since they are computed anew; an older version may
    have said less.
    """
    if isinstance(said, Mapping) and isinstance(found, Mapping):
        for name, one in said.items():
            place = f"{where}.{name}" if where else name
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
