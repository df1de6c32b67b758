"""Baselines derived again: from improver runs and evaluations, and what the result says of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from selftaught.analysis.verified_estimate import close, estimate_problem, shown_estimate
from selftaught.core.statistics import paired_difference
from selftaught.engine.raised import Raises
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd, MetaEvaluation
from selftaught.journal.study_events import Baseline

Shown = Mapping[str, Any]

_Place = tuple[str, str]  # task and repeat


@dataclass(slots=True)
class _Runs:
    """The improver runs of a journal so far, and what their programs scored."""

    ends: dict[tuple[str, str], dict[_Place, list[InvocationEnd]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    values: dict[tuple[str, str, str, str], float | None] = field(default_factory=dict)

    @classmethod
    def of(cls, events: Sequence[Event]) -> _Runs:
        runs, raises = cls(), Raises()
        begun: dict[str, Invocation] = {}
        ended: dict[str, InvocationEnd] = {}
        for event in events:
            for key in raises.add(event).runs:
                ended.pop(key, None)
            match event.body:
                case Invocation() as start:
                    begun.setdefault(event.key, start)
                case InvocationEnd() as end if event.key in begun:
                    ended.setdefault(event.key, end)
                case Evaluation() as one:
                    runs.values[one.program, one.task, one.stream, one.repeat] = one.value
        for key, end in ended.items():
            start = begun[key]
            place = (start.task or "", start.repeat or "")
            runs.ends[start.role, start.improver][place].append(end)
        return runs

    def drawn(self, role: str, improver: str, place: _Place) -> int:
        return sum(end.usage.samples for end in self.ends[role, improver][place])

    def best(self, improver: str, place: _Place, lowest: float) -> str | None:
        """The best by search of what the restarts returned; of equals, the first."""
        returned = [end.program for end in self.ends["restart", improver][place]]
        programs = [program for program in returned if program is not None]

        def by_search(program: str) -> float:
            value = self.values.get((program, place[0], "search", place[1]))
            return lowest if value is None else value

        return max(programs, key=by_search, default=None)


def baseline_problems(events: Sequence[Event], body: Baseline) -> Iterator[str]:
    """How a baseline is not what the events before it come to, its estimate aside."""
    runs = _Runs.of(events)
    for task, values in body.values.items():
        lowest, top = body.bounds[task]
        for run, value in enumerate(values):
            place = (task, f"test-{run}")
            where = f"of baseline {body.name} in run {run} of {task}"
            best = runs.best(body.improver, place, lowest)
            if best is not None and (best, task, "test", place[1]) not in runs.values:
                yield f"the best program {where} was never scored on test"
                continue
            scored = runs.values.get((best or "", task, "test", place[1]))
            share = 0.0 if scored is None else (scored - lowest) / (top - lowest)
            found = {
                "programs": best,
                "samples": runs.drawn("restart", body.improver, place),
                "final_samples": runs.drawn("inner", body.final, place),
                "values": min(1.0, max(0.0, share)),
            }
            said = {
                "programs": body.programs[task][run],
                "samples": body.samples[task][run],
                "final_samples": body.final_samples[task][run],
                "values": value,
            }
            for name in found:
                if not _same(found[name], said[name]):
                    yield f"{name} {where} come to {found[name]}, and it says {said[name]}"


def row_problems(
    comparison: Shown, baselines: Mapping[str, Baseline], final: MetaEvaluation
) -> Iterator[str]:
    """How the comparison of a result is not what was recorded of the baselines.

    Args:
        baselines: by name; `seed` is the restarted seed improver.
        final: of the final improver on test.
    """
    seed = baselines.get("seed")
    if seed is not None:  # older runs recorded none
        said = {"test": "seed_restarted", "final_difference": "vs_seed_restarted"}
        yield from _estimate_problems(
            {part: comparison[name] for part, name in said.items()}, seed, final, "seed"
        )
    for name, row in comparison.get("baselines", {}).items():
        recorded = baselines.get(name)
        if row is None or recorded is None:
            if row is not recorded:
                yield f"it and the recorded baselines do not agree whether {name} was measured"
            continue
        yield from _estimate_problems(row, recorded, final, name)
        found = {
            "improver_id": recorded.improver,
            "samples": sum(map(sum, recorded.samples.values())),
            "final_samples": sum(map(sum, recorded.final_samples.values())),
        }
        for part, value in found.items():
            if row[part] != value:
                yield f"{part} of baseline {name} is {value}, and it says {row[part]}"


def _estimate_problems(
    row: Mapping[str, Shown | None], recorded: Baseline, final: MetaEvaluation, name: str
) -> Iterator[str]:
    found = {
        "test": recorded.estimate,
        "final_difference": paired_difference(final.values, recorded.values),
    }
    for part, estimate in found.items():
        said = row[part]
        if said is None:
            yield f"baseline {name} was measured, and it does not say its {part}"
        else:
            yield from estimate_problem(
                f"{part} of baseline {name}", shown_estimate(said), estimate
            )


def _same(found: Any, said: Any) -> bool:
    if isinstance(found, float) and isinstance(said, (int, float)):
        return close(found, said)
    return bool(found == said)
