"""How far a run has come, and its best program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.journal.codec import Event, as_json
from selftaught.journal.events import Result
from selftaught.journal.study_events import Iteration


@dataclass(frozen=True, slots=True)
class Progress:
    """The measured iterations and the final result.

    Attributes:
        iterations: as in `run --json`, by t; empty for `improve`.
        result: the final object of `--json`, or None while there is none.
    """

    iterations: tuple[Mapping[str, Any], ...]
    result: Mapping[str, Any] | None

    @property
    def best_id(self) -> str | None:
        """The best improver or solution: the result's, or the improver that stands now."""
        result = self.result or {}
        best: str | None = result.get("best_improver_id") or _best(result).get("program_id")
        if best is None and self.iterations:
            best = self.iterations[-1]["improver_id"]
        return best

    @property
    def best_value(self) -> float | None:
        """What the best is worth on `val`."""
        best_id = self.best_id
        for iteration in reversed(self.iterations):
            if iteration["improver_id"] == best_id:
                return _mean(iteration.get("val"))
        return _mean(_best(self.result or {}).get("val"))


def progress(events: Iterable[Event]) -> Progress:
    """The progress of one run from its events; later ones replace earlier."""
    iterations: dict[int, Mapping[str, Any]] = {}
    result: Mapping[str, Any] | None = None
    for event in events:
        match event.body:
            case Iteration() as said:
                iterations[said.t] = as_json(said)
            case Result() as said:
                result = said.shown
    if result is not None:
        measured: Sequence[Mapping[str, Any]] = result.get("iterations") or ()
        iterations |= {iteration["t"]: iteration for iteration in measured}
    return Progress(tuple(iterations[t] for t in sorted(iterations)), result)


def _best(result: Mapping[str, Any]) -> Mapping[str, Any]:
    return result.get("best") or {}


def _mean(measured: Any) -> float | None:
    return measured.get("mean") if isinstance(measured, Mapping) else measured
