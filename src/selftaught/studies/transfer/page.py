"""What is shown of a transfer study: means, paired differences, and what else to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.pages import words
from selftaught.pages.blocks import (
    Block,
    Figure,
    PanelsChart,
    Paragraph,
    Section,
    Sheet,
    Table,
)
from selftaught.studies.run_sections import (
    ESTIMATE,
    bounds,
    estimate_cells,
)
from selftaught.studies.transfer.table import least_sign_flip_p

Json = Mapping[str, Any]

ERROR_RATE = 0.05

# Keys of a result, and what they are called; published values are called so, too.
_COLUMNS = {
    "seed_program": "seed program",
    "seed_improver": "seed improver",
    "improved_improver": "improved improver",
}
_ARMS = {
    "seed_program": "seed program",
    "seed_improver": "seed improver",
    "seed_restarted": "seed restarted",
    "improved_improver": "improved improver",
}
_DIFFERENCES = ("vs_seed_improver", "vs_seed_restarted")
_CORRECTION = (
    "p: two-sided sign-flip test of the paired differences. Corrected: after Holm over the tasks; "
    f"below {ERROR_RATE:g} it is a difference. Intervals are each task's own."
)


def transfer_section(results: Sequence[Json]) -> Section:
    """Of one study, or of all of the same improvers."""
    blocks: list[Block] = []
    for place, result in enumerate(results):
        said = (
            f"Run {result['run_id']}: improver {result['improved_improver_id'][: words.SHORT_ID]}, "
            f"which stands at the end of run {result['origin']}, against "
            f"{result['seed_improver_id'][: words.SHORT_ID]}, with which it began."
        )
        name = "transfer" if place == 0 else f"transfer-{place + 1}"
        blocks += [Paragraph(said), _figure(result, name), *transfer_tables(result)]
        blocks += map(Paragraph, transfer_notes(result))
    rows = [row for result in results for row in _rows(result)]
    columns = ("run_id", "task", "what", *ESTIMATE, "p_value", "p_holm", "samples")
    sheet = Sheet("transfer", columns, rows)
    return Section("transfer", "Transfer to other tasks", tuple(blocks), [*results], (sheet,))


def transfer_tables(result: Json) -> list[Table]:
    """Means, differences at equal limits and, where measured, at equal samples, and imp@k."""
    title = "Improved improver - seed improver, at equal limits"
    tables = [_means(result), _differences(result, "vs_seed_improver", title, _CORRECTION)]
    if any(task["vs_seed_restarted"] is not None for task in result["tasks"]):
        note = (
            "Here the seed improver was restarted until it had drawn as many samples as the "
            "improved one drew in the same run; its best by search counts."
        )
        title = "Improved improver - seed improver restarted, at equal samples"
        tables.append(_differences(result, "vs_seed_restarted", title, note))
    if all("imp_at_k" in task for task in result["tasks"]):  # older ones do not say it
        tables.append(_improvements(result))
    return tables


def transfer_notes(result: Json) -> Iterator[str]:
    """What else a reader has to know, a sentence each."""
    n, tasks = result["runs"], len(result["tasks"])
    if tasks * least_sign_flip_p(n) >= ERROR_RATE:
        yield (
            f"{words.counted(n, 'paired run')} of {words.counted(tasks, 'task')} are too few for "
            f"any corrected p below {ERROR_RATE:g}: give more --test-runs."
        )
    for task in result["tasks"]:
        failed = "costs the highest" if task.get("minimize") else "is worth the lowest"
        for name, failures in task["failures"].items():
            if failures and name in _COLUMNS:
                yield (
                    f"{task['task']}: of the {_COLUMNS[name]} {failures} of {n} runs came to no "
                    f"program that works on test; each {failed} value."
                )
    costs = [task["task"] for task in result["tasks"] if task.get("minimize")]
    if costs:
        yield (
            f"Costs, lower is better: {', '.join(costs)}. Their differences are what is saved, so "
            "above 0 is better there, too."
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


def _verdict(task: Json, key: str) -> str:
    """What a difference shows, corrected for the number of tasks."""
    if task[key]["p_holm"] >= ERROR_RATE:
        return "no difference shown"
    better = task[key]["mean"]
    if better is None:  # failures cost infinity, so that they alone decide
        failures = task["failures"]
        better = failures[key.removeprefix("vs_")] - failures["improved_improver"]
    return "higher" if better > 0 else "lower"


def _means(result: Json) -> Table:
    n = result["runs"]
    over = words.counted(n, "paired run")
    return Table(
        f"Means on test over {over}, in the task's own units, with 95 % CI",
        ("task", *_COLUMNS.values()),
        tuple(row for task in result["tasks"] for row in _task_rows(task, n)),
    )


def _task_rows(task: Json, n: int) -> Iterator[tuple[str, ...]]:
    yield (task["task"], *(words.mean_and_interval(task[name], "\n") for name in _COLUMNS))
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


def _differences(result: Json, key: str, title: str, note: str) -> Table:
    rows = tuple(
        (
            task["task"],
            words.difference(task[key]),
            words.p_value(task[key]["p_value"]),
            words.p_value(task[key]["p_holm"]),
            _verdict(task, key),
        )
        for task in result["tasks"]
        if task[key] is not None
    )
    return Table(title, ("task", "difference", "p", "corrected", ""), rows, note)


def _improvements(result: Json) -> Table:
    """Of each improver on the seed program, within the samples that it drew."""
    arms = [arm for arm in _ARMS if any(arm in task["imp_at_k"] for task in result["tasks"])]
    rows = []
    for task in result["tasks"]:
        made = (task["imp_at_k"].get(arm) for arm in arms)
        cells = (
            "-" if one is None else f"{words.difference(one)}\nk = {one['k']:.1f}" for one in made
        )
        rows.append((task["task"], *cells))
    return Table(
        "Improvement on the seed program within k samples (imp@k), paired",
        ("task", *(_ARMS[arm] for arm in arms)),
        tuple(rows),
        "k: samples that a run drew, in the mean. imp@k is what later work calls the gain of an "
        "improver that changes no more on a new task (Zhang et al. 2026, arXiv 2603.19461).",
    )


def _rows(result: Json) -> Iterator[dict[str, Any]]:
    for task in result["tasks"]:
        for what in (*_COLUMNS, "seed_restarted", *_DIFFERENCES):
            measured = task[what]
            if measured is not None:
                yield {
                    "run_id": result["run_id"],
                    "task": task["task"],
                    "what": what,
                    **estimate_cells(measured),
                    "p_value": measured.get("p_value"),
                    "p_holm": measured.get("p_holm"),
                    "samples": task["samples"].get(what),
                }


def _figure(result: Json, name: str) -> Figure:
    """Each task's arms, in its own units."""
    panels = {
        f"{task['task']}: {_verdict(task, 'vs_seed_improver')}": [
            {"arm": label, "final": arm == "improved_improver", **bounds(task[arm])}
            for arm, label in _ARMS.items()
            if task[arm] is not None
        ]
        for task in result["tasks"]
    }
    higher = sum(title.endswith(": higher") for title in panels)
    title = (
        f"Transfer: the improved improver is shown to be higher on {higher} of "
        f"{words.counted(len(panels), 'task')}"
    )
    alt = "; ".join(
        f"{name}: " + ", ".join(f"{row['arm']} {words.number(row['mean'])}" for row in arms)
        for name, arms in panels.items()
    )
    over = words.counted(result["runs"], "paired run")
    goal = ", of costs lower" if any(task.get("minimize") for task in result["tasks"]) else ""
    return Figure(
        name=name,
        title=title,
        notes=(
            f"Means on test over {over}, 95 % intervals; higher is better{goal}. Above each: the "
            "paired difference to the seed improver, corrected after Holm.",
        ),
        caption=(
            "Each task has units of its own, and an axis of its own. Intervals are those of each "
            "mean by itself; the differences in the table are paired, and so more certain."
        ),
        alt=f"{title}. {alt}.",
        chart=PanelsChart(panels),
    )
