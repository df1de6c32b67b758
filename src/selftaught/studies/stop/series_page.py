"""What is shown of a series: independent repeats of one STOP run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from selftaught.analysis.curve import curve_of
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.run_view import run_view
from selftaught.pages import words
from selftaught.pages.blocks import Page, Section, Table
from selftaught.studies.run_sections import end_page, whole_page
from selftaught.studies.stop.page import (
    EQUAL_SAMPLES,
    NAMES,
    TOO_NARROW,
    comparison_section,
    curve_lead,
    curve_section,
)

Json = Mapping[str, Any]


def series_page(runs: Sequence[RecordedRun]) -> Page:
    """Of the runs of a series that were started, in its order."""
    views = [run_view(run) for run in runs]
    head = runs[0].head
    assert head.series is not None
    sections: list[Section] = []
    lead: list[str] = []
    if any(view.iterations for view in views):
        curve = curve_of(runs)
        told = curve.as_json()
        sections.append(curve_section(curve, curve_tables(told)))
        lead += curve_lead(curve, told["claims"])
    results = [
        view.result for view in views if view.result is not None and "comparison" in view.result
    ]
    if results:
        sections.append(_each_run(head.series.series_id, head.series.of, results))
    title = f"STOP on {', '.join(head.task_names)}: series {head.series.series_id}"
    return whole_page(title, views, "improver", sections, *lead)


def series_end_page(result: Json) -> Page:
    """What stands at its end, of the object of `run --json`."""
    curve, results = result["curve"], result["runs"]
    sections = (
        _each_run(result["series_id"], curve["of"], results),
        Section("curve", "", tuple(curve_tables(curve))),
    )
    return end_page(result, sections)


def curve_tables(curve: Json) -> list[Table]:
    """Args: curve: of `run --json`."""
    claims = (
        [claims_table(curve["claims"], len(curve["tasks"]))] if curve["claims"]["vs_seed"] else []
    )
    baselines = [_baselines_table(curve)] if curve["baselines"] else []
    return [*claims, _curve_table(curve), *baselines]


def claims_table(claims: Mapping[str, Json | None], tasks: int) -> Table:
    """The run is the unit: both differences over runs, and what they are made of."""
    cells: dict[str, Callable[[Json], str]] = {
        "mean over runs": words.signed_mean,
        "95 % CI, Student's t over runs": lambda one: words.interval(one, sign=True),
        "95 % CI, bootstrap of runs": lambda one: words.interval(
            {**one, "ci95": one["bootstrap95"]}, sign=True
        ),
        "worst run": lambda one: words.signed(one["worst"]["mean"]),
        "runs above 0": lambda one: f"{round(one['share_above'] * one['n'])} of {one['n']}",
        "sd of runs": lambda one: _deviation(one, "run"),
        "sd of a task within a run": lambda one: _deviation(one, "task_run"),
        "sd of an improver run": lambda one: _deviation(one, "within"),
        "samples, final and it": lambda one: _both(one["samples"]),
        "scorings, final and it": lambda one: _both(one["scorings"]),
    }
    if tasks < 2:  # which cannot be told from the run
        del cells["sd of a task within a run"]
    rows = [
        (name, *("-" if one is None else cell(one) for one in claims.values()))
        for name, cell in cells.items()
    ]
    first, restarted = claims.values()
    assert first is not None
    note = "One observation is a run. Samples and scorings are those of an improver run on test."
    if restarted is not None:
        final, other = (round(restarted["scorings"][arm], 1) for arm in ("final", "other"))
        if final != other:
            less = "fewer" if other < final else "more"
            note += f" The restarted seed improver had as many samples, and {less} scorings."
    title = f"Claim over {words.counted(first['n'], 'run')}: final improver - seed improver on test"
    return Table(title, ("", "at the same limits", "at equal samples"), tuple(rows), note)


def _deviation(claim: Json, component: str) -> str:
    components = claim["components"]
    return "-" if components is None else words.number(math.sqrt(max(0.0, components[component])))


def _both(taken: Json) -> str:
    return f"{taken['final']:.1f} and {taken['other']:.1f}"


def _curve_table(curve: Json) -> Table:
    rows = []
    for point in curve["points"]:
        gain = point["test_gain"]
        rows.append(
            (
                str(point["t"]),
                str(point["val"]["n"]),
                words.mean_and_interval(point["val"], "\n"),
                words.mean_and_interval(point["test"], "\n"),
                "" if gain is None else words.difference(gain),
                f"{point['samples_per_improver_run']:.1f}\n({point['samples_so_far']:,.0f} so far)",
            )
        )
    started = sum(bool(run["points"]) for run in curve["runs"])
    runs = f"{started} runs" if started == curve["of"] else f"{started} of {curve['of']} runs"
    note = (
        "Means over runs, with bootstrap intervals over runs. Samples: what the improver drew in "
        "an improver run on test, and what a whole run had drawn so far."
    )
    return Table(
        f"Learning curve over {runs}: meta-utility after each step, with 95 % CI",
        ("t", "runs", "val", "test", "test - t = 0", "samples"),
        tuple(rows),
        f"{note} {TOO_NARROW}" if started < words.FEW_RUNS else note,
    )


def _baselines_table(curve: Json) -> Table:
    """The final improvers of a series and its baselines."""
    rows = [
        (
            NAMES.get(one["name"], one["name"]),
            str(one["test"]["n"]),
            words.mean_and_interval(one["test"], "\n"),
            words.difference(one["final_difference"]),
            f"{one['samples_per_improver_run']:.1f}",
        )
        for one in curve["baselines"]
    ]
    if curve["final"] is not None:
        final = curve["final"]
        samples = f"{curve['baselines'][0]['final_samples_per_improver_run']:.1f}"
        mean = words.mean_and_interval(final, "\n")
        rows.append(("final improver", str(final["n"]), mean, "", samples))
    title = "Final improvers and baselines on test, at equal samples an improver run"
    return Table(title, ("", "runs", "mean", "final - it", "samples"), tuple(rows), EQUAL_SAMPLES)


def _each_run(series_id: str, of: int, results: Sequence[Json]) -> Section:
    rows = tuple(
        (
            run["run_id"],
            run["state"],
            words.number(run["comparison"]["final"]["mean"]),
            *(_mean(run["comparison"][key]) for key in ("vs_seed", "vs_seed_restarted")),
        )
        for run in results
    )
    title = f"Series {series_id}: {len(results)} of {of} runs"
    headings = ("run", "state", "final test", "final - seed", "final - seed restarted")
    comparisons = {run["run_id"]: run["comparison"] for run in results}
    return comparison_section(comparisons, "Each run", [Table(title, headings, rows)])


def _mean(difference: Json | None) -> str:
    return "-" if difference is None else words.signed(difference["mean"])
