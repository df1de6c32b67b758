"""What is shown of a STOP run: each step, the comparison at its end, and all that led there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from selftaught.analysis.curve import COLUMNS, SERIES, Curve, curve_of
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.run_view import run_view
from selftaught.journal.events import Evaluation
from selftaught.pages import words
from selftaught.pages.blocks import Block, CurveChart, Figure, Page, Section, Sheet, Table
from selftaught.studies.first_program import SCALE
from selftaught.studies.run_sections import (
    ESTIMATE,
    bounds,
    end_page,
    estimate_cells,
    whole_page,
)

Json = Mapping[str, Any]

NAMES = {
    "seed": "seed improver",
    "chain_of_thought": "chain of thought",
    "greedy": "greedy iterative",
    "best_of_n": "best of n",
}
EQUAL_SAMPLES = (
    "Each is restarted in the same improver runs until it has drawn as many samples as the final "
    "improver drew there; its best by search counts. The difference is the final improver minus it."
)
TOO_NARROW = f"Intervals over fewer than {words.FEW_RUNS} runs are much too narrow."
_COMPARISON_NOTE = (
    "The first difference is at the same limits. The second is against the seed improver "
    "restarted until it had drawn as many samples as the final improver drew."
)
_FINAL = "final improver"


def page(result: Json | None, run: RecordedRun | None = None) -> Page:
    """Of a run, or of its result by itself, what stands at its end."""
    if run is None:
        assert result is not None  # else there is nothing to show
        best = f"best improver: {result['best_improver_id']}"
        measured = Section("curve", "", (iterations_table(result["iterations"]),))
        compared = _comparison(result["run_id"], result["comparison"])
        return end_page(result, [measured, compared], best)
    view = run_view(run)
    scaled = {
        body.task: body.value
        for event in run.events
        if isinstance(body := event.body, Evaluation) and body.repeat == SCALE
    }
    comparison = (result or {}).get("comparison")
    sections: list[Section] = []
    lead = [
        f"No range of {task} is known: its utility is normalised by the seed program's value, "
        f"{'none, for it failed' if value is None else words.number(value)}."
        for task, value in scaled.items()
    ]
    if view.iterations:
        curve = curve_of([run], alone=True)
        sections.append(curve_section(curve, [iterations_table(view.iterations)]))
        lead += curve_lead(curve, comparison or {})
    if comparison is not None:
        sections.append(_comparison(run.run_id, comparison))
    title = f"STOP on {', '.join(view.head.task_names)}: run {run.run_id}"
    return whole_page(title, [view], "improver", sections, *lead)


def iterations_table(iterations: Iterable[Json]) -> Table:
    """One row for each improver that stood."""
    listed = list(iterations)
    return Table(
        "Meta-utility of the improver that stands after each step, with 95 % CI",
        ("t", "improver", _measured_on("val", listed), _measured_on("test", listed), "proposal"),
        tuple(
            (
                str(iteration["t"]),
                iteration["improver_id"][: words.SHORT_ID],
                words.mean_and_interval(iteration["val"], "\n"),
                words.mean_and_interval(iteration["test"], "\n"),
                _decided(iteration),
            )
            for iteration in listed
        ),
    )


def _decided(iteration: Json) -> str:
    said = words.decision(iteration["proposal"])
    several = iteration.get("proposals", ())
    adopted = sum(one["accepted"] for one in several)
    return f"{adopted} of {len(several)} adopted; {said}" if several else said


def _measured_on(stream: str, iterations: Sequence[Json]) -> str:
    counts = {iteration[stream]["n"] for iteration in iterations}
    return f"{stream} (n = {counts.pop()})" if len(counts) == 1 else stream


# --- the comparison -----------------------------------------------------------------------------


def _comparison(run_id: str, comparison: Json) -> Section:
    tables = [comparison_table(comparison)]
    tables += [_baselines_table(comparison)] if "baselines" in comparison else []
    title = "Final improver against seed improver and baselines"
    return comparison_section({run_id: comparison}, title, tables)


def comparison_section(
    comparisons: Mapping[str, Json], title: str, blocks: Sequence[Block]
) -> Section:
    """Of one run, or of several, by run."""
    rows = [
        {"run_id": run_id, "what": name, **estimate_cells(measured)}
        for run_id, comparison in comparisons.items()
        for name, measured in _measured(comparison)
    ]
    sheet = Sheet("comparison", ("run_id", "what", *ESTIMATE), rows)
    return Section("comparison", title, tuple(blocks), dict(comparisons), (sheet,))


def _measured(comparison: Json) -> Iterator[tuple[str, Json]]:
    for name, one in comparison.items():
        if name == "baselines":
            for baseline, measured in one.items():
                if measured is not None:
                    yield f"baseline {baseline}", measured["test"]
                    yield f"vs baseline {baseline}", measured["final_difference"]
        elif one is not None:
            yield name, one


def comparison_table(comparison: Json) -> Table:
    """The final improver against the seed improver, twice."""
    rows = [
        (name, *words.mean_and_interval(measured, "\n").split("\n"), "")
        for name, key in (
            ("seed improver", "seed"),
            ("seed improver, restarted", "seed_restarted"),
            (_FINAL, "final"),
        )
        if (measured := comparison[key]) is not None
    ]
    for name, key in (
        ("final - seed", "vs_seed"),
        ("final - seed restarted", "vs_seed_restarted"),
    ):
        difference = comparison[key]
        if difference is None:
            rows.append((name, "-", "-", "not measured: the run ended before"))
            continue
        mean, interval = words.signed_mean(difference), words.interval(difference, sign=True)
        rows.append((name, mean, interval, words.reading(difference)))
    title = f"Comparison on test: {comparison['final']['n']} improver runs each, paired"
    return Table(title, ("", "mean", "95 % CI", ""), tuple(rows), _COMPARISON_NOTE)


def _baselines_table(comparison: Json) -> Table:
    rows = []
    for name, one in comparison["baselines"].items():
        if one is None:
            rows.append(
                (NAMES.get(name, name), "-", "-", "-", "not measured: the run ended before")
            )
            continue
        difference = one["final_difference"]
        rows.append(
            (
                NAMES.get(name, name),
                words.mean_and_interval(one["test"], "\n"),
                f"{one['samples']:,}",
                words.difference(difference),
                words.reading(difference),
            )
        )
    title = "Baselines on test, at as many samples as the final improver drew"
    headings = ("", "mean", "samples", "final - it", "")
    return Table(title, headings, tuple(rows), EQUAL_SAMPLES)


# --- the learning curve -------------------------------------------------------------------------


def curve_section(curve: Curve, tables: Sequence[Block]) -> Section:
    sheet = Sheet("curve", COLUMNS, curve.rows())
    blocks = (curve_figure(curve), *tables)
    return Section("curve", "Learning curve", blocks, curve.as_json(), (sheet,))


def curve_lead(curve: Curve, differences: Mapping[str, Json | None]) -> Iterator[str]:
    """What came out."""
    first, last = curve.points[0], curve.points[-1]
    begun, stands = (words.mean_and_interval(one.test.as_json()) for one in (first, last))
    yield (
        f"On test the improver to begin with reaches a meta-utility of {begun}, and the one that "
        f"stands after step {last.t} reaches {stands}."
    )
    for key, name in (
        ("vs_seed", "Final minus seed"),
        ("vs_seed_restarted", "Final minus seed restarted to as many samples"),
    ):
        one = differences.get(key)
        if one is not None:
            mean, interval = words.signed_mean(one), words.interval(one, sign=True)
            runs = one["n"] if curve.interval == SERIES else 1
            yield f"{name}: {mean} {interval}; {words.reading(one, runs)}."


def curve_figure(curve: Curve) -> Figure:
    """Meta-utility against t; improvers at equal samples beside it, where they were measured."""
    points = [
        {"t": point.t, "stream": stream, **bounds(estimate.as_json())}
        for point in curve.points
        for stream, estimate in (("val", point.val), ("test", point.test))
    ]
    runs = [
        {"run": run.run_id, "t": step.t, "mean": step.test.mean}
        for run in curve.runs
        for step in run.points
        if curve.interval == SERIES
    ]
    arms = [
        {"arm": _arm(one.name), "final": False, **bounds(one.test.as_json())}
        for one in curve.baselines
    ]
    if arms and curve.final is not None:
        arms.insert(0, {"arm": _FINAL, "final": True, **bounds(curve.final.as_json())})
    tasks = words.listed(curve.tasks)
    first, last = curve.points[0].test.mean, curve.points[-1].test.mean
    steps = words.counted(curve.points[-1].t, "step")
    went = f"test from {words.number(first)} to {words.number(last)} in {steps}"
    if curve.interval == SERIES:
        over = words.counted(len({row["run"] for row in runs}), "run")
        title = f"STOP on {tasks}, mean of {over}: {went}"
        notes = ["Bars: 95 % bootstrap intervals over runs. Thin grey lines: each run, on test."]
        notes += [TOO_NARROW] if len(curve.runs) < words.FEW_RUNS else []
    else:
        title = f"STOP on {tasks}, one run: {went}"
        notes = ["Bars: 95 % intervals within the run (Student's t over its improver runs)."]
    alt = "; ".join(
        f"t = {point.t}: val {words.number(point.val.mean)}, test {words.number(point.test.mean)}"
        for point in curve.points
    )
    beside = "; ".join(f"{row['arm']} {words.number(row['mean'])}" for row in arms)
    return Figure(
        name="curve",
        title=title,
        notes=tuple(notes),
        caption=(
            "Meta-utility of the improver that stands after each step: val decides what is "
            "adopted, test decides nothing."
            + (" Beside it, at as many samples as the final improvers drew." if arms else "")
        ),
        alt=f"{title}. {alt}." + (f" At equal samples: {beside}." if beside else ""),
        chart=CurveChart(points, runs, arms),
    )


def _arm(name: str) -> str:
    return "seed restarted" if name == "seed" else NAMES.get(name, name)
