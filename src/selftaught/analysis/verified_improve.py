"""The result of an improve run derived again from its evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from selftaught.analysis.verified_estimate import estimate_problem, shown_estimate
from selftaught.core.program import content_id
from selftaught.core.statistics import estimate, paired_difference
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation

Shown: TypeAlias = Mapping[str, Any]
_Evaluations: TypeAlias = Mapping[tuple[str, str, str], Evaluation]  # by program, stream and repeat


def improve_result_problems(events: Sequence[Event], body: Shown) -> Iterator[str]:
    """How the result of an improve run is not what the events before it come to."""
    scored = [event.body for event in events if isinstance(event.body, Evaluation)]
    evaluations = {(one.program, one.stream, one.repeat): one for one in scored}
    best = body["best"]
    if content_id(best["source"]) != best["program_id"]:
        yield "the source of its best program is not what its id says"
    # Older runs did not say the seed's id; it is scored before anything else.
    seed = body["seed"].get("program_id", scored[0].program if scored else None)
    for name, program in {"best": best["program_id"], "seed": seed}.items():
        for stream in ("val", "test"):
            said = body[name][stream]
            values = _values(evaluations, program, stream, said["n"])
            if values is not None:
                found = estimate({"": values})
                yield from estimate_problem(f"{name}.{stream}", shown_estimate(said), found)
    yield from _finalist_problems(evaluations, body.get("finalists", ()))


def _finalist_problems(evaluations: _Evaluations, finalists: Sequence[Shown]) -> Iterator[str]:
    """The first is the best on val; each is as far behind it as its own values say."""
    listed = [
        (one, _values(evaluations, one["program_id"], "val", one["val"]["n"])) for one in finalists
    ]
    for number, (said, values) in enumerate(listed):
        best = listed[0][1]
        if values is not None and best is not None:
            what = f"finalists[{number}]"
            val, behind = shown_estimate(said["val"]), shown_estimate(said["behind"])
            yield from estimate_problem(f"{what}.val", val, estimate({"": values}))
            found = paired_difference({"": best}, {"": values})
            yield from estimate_problem(f"{what}.behind", behind, found)
            if found.mean < 0:
                yield f"{what} is better on val than the one that was taken"


def _values(
    evaluations: _Evaluations, program: str | None, stream: str, repeats: int
) -> list[float] | None:
    """What a program was worth on each set of instances; None if one is not known as such."""
    found = [
        evaluations.get((program or "", stream, f"{stream}-{repeat}")) for repeat in range(repeats)
    ]
    values = [None if body is None else body.value for body in found]
    # What a failure is worth stands in the task, not in the journal.
    return None if None in values else values  # type: ignore[return-value]
