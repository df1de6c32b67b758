"""What is shown of a bench: areas, their differences, the best at some counts, and the curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.pages import words
from selftaught.pages.blocks import Block, Figure, Paragraph, Section, Sheet, StepsChart, Table
from selftaught.studies.run_sections import ESTIMATE, bounds, estimate_cells

Json = Mapping[str, Any]

_READING = (
    "Best so far: by search, of programs that replies of the model held; what it is worth on test. "
    "Area: the mean of that from 0 samples to the last, each count of samples weighing the same. "
    "Normalised: 0 is the worst value of the task, 1 the best known."
)
_CORRECTION = (
    "Paired by seed, of normalised areas; above 0 is better. p: two-sided, Student's t; of "
    "differences that are all the same the sign test's, and no interval. Corrected: after Holm, "
    "all that stand here together. Intervals are each difference's own."
)

_BY_USD = "By USD: over the first {}, which all spent. It describes: no difference of it is tested."


def bench_section(results: Sequence[Json]) -> Section:
    blocks: list[Block] = []
    sheets: list[Sheet] = []
    for place, result in enumerate(results):
        name = "bench" if place == 0 else f"bench-{place + 1}"
        blocks += [_differences(result), *_task_tables(result), _taken(result)]
        blocks += [Paragraph(said) for said in (_READING, *_notes(result))]
        blocks.append(_figure(result, name))
        sheets += [
            Sheet(name, ("task", "improver", "what", "samples", *ESTIMATE), [*_rows(result)]),
            Sheet(f"{name}-differences", _COMPARED, [*_compared(result)]),
        ]
    return Section("bench", "Improvers at equal samples", tuple(blocks), [*results], tuple(sheets))


def _reference(result: Json) -> str:
    name: str = result["improvers"][0]["name"]
    return name


def _differences(result: Json) -> Table:
    rows = tuple(
        (
            one["task"] or "all tasks",
            one["improver"],
            _difference(one, result["seeds"]),
            words.p_value(one["p_value"]),
            words.p_value(one["p_holm"]),
            one["verdict"] if one["verdict"] in ("higher", "lower") else "-",
        )
        for one in result["comparisons"]
    )
    title = f"Area, improver - {_reference(result)}, over {words.counted(result['seeds'], 'seed')}"
    headings = ("task", "improver", "difference", "p", "corrected", "shown")
    return Table(title, headings, rows, _CORRECTION)


def _difference(one: Json, seeds: int) -> str:
    if one["ci95"] is None and seeds > 1:
        return f"{words.signed_mean(one)}\n[all the same]"
    return words.difference({**one, "n": seeds})


def _task_tables(result: Json) -> Iterator[Table]:
    """Of each task, in its own unit."""
    counts, seeds = result["samples"], words.counted(result["seeds"], "seed")
    for task in result["tasks"]:
        cost = ", a cost: lower is better" if task.get("minimize") else ""
        usd = ("area by USD",) if task["usd"] is not None else ()
        rows = tuple(
            (
                row["improver"],
                words.mean_and_interval(row["area"], "\n"),
                *(words.mean_and_interval(row["area_usd"], "\n") for _ in usd),
                *(words.number(best["mean"]) for best in row["best"]),
            )
            for row in task["improvers"]
        )
        best = (f"best at {count:,}" for count in counts)
        yield Table(
            f"{task['task']}{cost}: best so far on test, over {seeds}, with 95 % CI",
            ("improver", f"area to {counts[-1]:,}", *usd, *best),
            rows,
            _BY_USD.format(words.money(task["usd"])) if usd else "",
        )


def _taken(result: Json) -> Table:
    """What the arms of each improver took, means over its arms."""
    rows = []
    for name, own in _by_improver(result):
        means = {what: sum(one[what] for one in own) / len(own) for what in _COUNTS}
        normalised = sum(one["normalised"]["mean"] for one in own) / len(own)
        counts = (f"{means[what]:,.1f}" for what in _COUNTS)
        rows.append((name, words.number(normalised), *counts))
    title = "Over all tasks: mean normalised area, and what a search took"
    return Table(title, ("improver", "area", *_COUNTS.values()), tuple(rows))


_COUNTS = {"samples": "samples", "scorings": "programs scored", "edited": "edited by itself"}


def _by_improver(result: Json) -> Iterator[tuple[str, list[Json]]]:
    """Its rows of all tasks."""
    for one in result["improvers"]:
        rows = [row for task in result["tasks"] for row in task["improvers"]]
        yield one["name"], [row for row in rows if row["improver"] == one["name"]]


def _notes(result: Json) -> Iterator[str]:
    """What else a reader has to know, a sentence each."""
    if result["seeds"] < result["seeds_asked"]:
        yield (
            f"The run ended early: of {result['seeds_asked']:,} seeds {result['seeds']:,} were "
            "measured with all improvers on all tasks, and only those count."
        )
    if any(task["usd"] is None for task in result["tasks"]):
        yield "No area over USD: the model costs nothing, or its price is not known."
    for name, own in _by_improver(result):
        edited, scorings = (sum(row[what] for row in own) for what in ("edited", "scorings"))
        if edited:
            yield (
                f"{name} had programs scored that no reply of the model held, "
                f"{edited / scorings:.1%} of all: it edits them itself. They do not count here."
            )
        drawn = min(row["samples"] for row in own)
        if drawn < result["samples"][-1]:
            yield (
                f"{name} drew {drawn:,.1f} samples, not {result['samples'][-1]:,}: it "
                "scored as many programs as it may before, or does nothing more."
            )


def _figure(result: Json, name: str) -> Figure:
    panels = {
        task["task"] + (" (cost)" if task.get("minimize") else ""): [
            {"arm": row["improver"], "samples": one["samples"], **bounds(one)}
            for row in task["improvers"]
            for one in row["curve"]
            if one["mean"] is not None
        ]
        for task in result["tasks"]
    }
    shown = [one for one in result["comparisons"] if one["verdict"] != "no difference shown"]
    title = (
        f"Best so far: {words.counted(len(shown), 'difference')} of "
        f"{len(result['comparisons']):,} to {_reference(result)} shown"
    )
    ends = (
        f"{task['task']}: "
        + ", ".join(
            f"{row['improver']} {words.number(row['best'][-1]['mean'])}"
            for row in task["improvers"]
        )
        for task in result["tasks"]
    )
    over = words.counted(result["seeds"], "seed")
    return Figure(
        name=name,
        title=title,
        notes=(f"Means over {over} of the value on test of the best by search, 95 % bands.",),
        caption=(
            "Bands are those of each mean by itself; the differences in the table are paired by "
            "seed, and so more certain."
        ),
        alt=f"{title}. At the last sample {'; '.join(ends)}.",
        chart=StepsChart(panels),
    )


_COMPARED = ("task", "improver", *ESTIMATE, "sd", "p_value", "p_holm", "verdict")


def _compared(result: Json) -> Iterator[dict[str, Any]]:
    for one in result["comparisons"]:
        row = {**one, **estimate_cells(one)}
        yield {column: row[column] for column in _COMPARED}


def _rows(result: Json) -> Iterator[dict[str, Any]]:
    for task in result["tasks"]:
        for row in task["improvers"]:
            place = {"task": task["task"], "improver": row["improver"], "samples": None}
            for what in ("area", "normalised", "area_usd"):
                if row[what] is not None:
                    yield {**place, "what": what, **estimate_cells(row[what])}
            for one in row["curve"]:
                yield {
                    **place,
                    "what": "best so far",
                    "samples": one["samples"],
                    **estimate_cells(one),
                }
