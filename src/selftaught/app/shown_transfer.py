"""What a transfer study shows of itself, as grids that are drawn as plain text or as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.analysis import words
from selftaught.app.shown_result import Grid
from selftaught.core.multiple_tests import least_sign_flip_p

Json = Mapping[str, Any]

ERROR_RATE = 0.05

# Keys of a result, and what they are called; published values are called so, too.
_COLUMNS = {
    "seed_program": "seed program",
    "seed_improver": "seed improver",
    "improved_improver": "improved improver",
}
_CORRECTION = (
    "p: two-sided sign-flip test of the paired differences. Corrected: after Holm over the tasks; "
    f"below {ERROR_RATE:g} it is a difference. Intervals are each task's own."
)


def transfer_grids(result: Json) -> list[Grid]:
    """Means, differences at equal limits, and, where measured, at equal samples.

    Args:
        result: the object of `transfer --json`.
    """
    grids = [_means(result)]
    grids.append(
        _differences(
            result,
            "vs_seed_improver",
            "Improved improver - seed improver, at equal limits",
            _CORRECTION,
        )
    )
    if any(task["vs_seed_restarted"] is not None for task in result["tasks"]):
        note = (
            "Here the seed improver was restarted until it had drawn as many samples as the "
            "improved one drew in the same run; its best by search counts."
        )
        title = "Improved improver - seed improver restarted, at equal samples"
        grids.append(_differences(result, "vs_seed_restarted", title, note))
    return grids


def transfer_notes(result: Json) -> Iterator[str]:
    """What else a reader has to know, a sentence each."""
    n, tasks = result["runs"], len(result["tasks"])
    if tasks * least_sign_flip_p(n) >= ERROR_RATE:
        yield (
            f"{words.counted(n, 'paired run')} of {words.counted(tasks, 'task')} are too few for "
            f"any corrected p below {ERROR_RATE:g}: give more --test-runs."
        )
    for task in result["tasks"]:
        for name, failures in task["failures"].items():
            if failures and name in _COLUMNS:
                yield (
                    f"{task['task']}: of the {_COLUMNS[name]} {failures} of {n} runs came to no "
                    "program that works on test; each is worth the lowest value."
                )
    seen = [task["task"] for task in result["tasks"] if task["took_part"]]
    if seen:
        yield (
            f"No transfer: {', '.join(seen)} took part in the run, whose improver was chosen on it."
        )
    if result["not_measured"]:
        yield f"Not measured, the budget was spent: {', '.join(result['not_measured'])}."
    unrestarted = [task["task"] for task in result["tasks"] if task["vs_seed_restarted"] is None]
    if unrestarted:
        yield f"No restarts, the budget was spent: {', '.join(unrestarted)}."
    yield from _published(result["tasks"])


def verdict(difference: Json) -> str:
    """What a difference shows, corrected for the number of tasks."""
    if difference["p_holm"] >= ERROR_RATE:
        return "no difference shown"
    return "better" if difference["mean"] > 0 else "worse"


def p_text(p: float) -> str:
    """Four decimals, and of less what it takes to see it."""
    return f"{p:.4f}" if p >= 0.001 else f"{p:.1e}"


def _means(result: Json) -> Grid:
    n = result["runs"]
    over = words.counted(n, "paired run")
    return Grid(
        f"Means on test over {over}, in the task's own units, with 95 % CI",
        ("task", *_COLUMNS.values()),
        tuple(row for task in result["tasks"] for row in _task_rows(task, n)),
    )


def _task_rows(task: Json, n: int) -> Iterator[tuple[str, ...]]:
    estimates = [task[name] for name in _COLUMNS]
    yield (task["task"], *(words.number(one["mean"]) for one in estimates))
    yield ("", *(words.interval(one) for one in estimates))
    samples = task["samples"]
    drawn = (f"{samples[name] / n:.1f}" if name in samples else "" for name in _COLUMNS)
    yield ("  samples a run", *drawn)
    published = [_published_value(task["references"], name) for name in _COLUMNS.values()]
    if any(value is not None for value in published):
        yield ("  published", *("" if one is None else words.number(one) for one in published))


def _published_value(references: Sequence[Json], column: str) -> float | None:
    for reference in references:
        if reference["what"].startswith(column):
            value: float = reference["value"]
            return value
    return None


def _published(tasks: Sequence[Json]) -> Iterator[str]:
    """Where the published values come from, and those that have no column."""
    places: dict[str, list[str]] = {}
    for task in tasks:
        for reference in task["references"]:
            name = task["task"]
            if reference["what"].startswith(tuple(_COLUMNS.values())):
                _, _, model = reference["what"].partition(", ")
                if model:
                    listed = places.setdefault(f"{model}: {reference['source']}", [])
                    listed.extend([name] if name not in listed else [])
            else:
                value = words.number(reference["value"])
                yield f"Published of {name}: {value}, {reference['what']}; {reference['source']}."
    for place, names in places.items():
        yield f"Published of {', '.join(names)}, {place}."


def _differences(result: Json, key: str, title: str, note: str) -> Grid:
    tasks = [task for task in result["tasks"] if task[key] is not None]
    return Grid(
        title,
        ("task", "difference", "p", "corrected", ""),
        tuple(
            (
                task["task"],
                f"{words.signed(task[key]['mean'])}\n{words.interval(task[key], sign=True)}",
                p_text(task[key]["p_value"]),
                p_text(task[key]["p_holm"]),
                verdict(task[key]),
            )
            for task in tasks
        ),
        note,
    )
