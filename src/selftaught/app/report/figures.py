"""The figures of a report: what each shows, in words, and the rows that it is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.analysis import words
from selftaught.analysis.curve import SERIES, Curve
from selftaught.analysis.report.charts import curve_chart, search_chart, transfer_chart
from selftaught.analysis.report.document import Figure
from selftaught.analysis.report.study import ScoredProgram
from selftaught.analysis.safe_text import printable
from selftaught.app.shown_curve import NAMES
from selftaught.app.shown_transfer import verdict
from selftaught.core.statistics import Estimate

Json = Mapping[str, Any]

# So few that a bootstrap interval of their mean is not to be relied on.
FEW_RUNS = 5
TOO_NARROW = f"Intervals over fewer than {FEW_RUNS} runs are much too narrow."

_FINAL = "final improver"
_ARMS = {
    "seed_program": "seed program",
    "seed_improver": "seed improver",
    "seed_restarted": "seed restarted",
    "improved_improver": "improved improver",
}
# More would be a blot; the line and the table hold them all.
_MOST_DOTS = 2000


def curve_figure(curve: Curve) -> Figure:
    """Meta-utility against t; improvers at equal samples beside it, where they were measured."""
    points = [
        {"t": point.t, "stream": stream, **_bounds(estimate)}
        for point in curve.points
        for stream, estimate in (("val", point.val), ("test", point.test))
    ]
    runs = [
        {"run": run.head.run_id, "t": step.t, "mean": step.test.mean}
        for run in curve.runs
        for step in run.steps
        if curve.interval == SERIES
    ]
    arms = [{"arm": _arm(one.name), "final": False, **_bounds(one.test)} for one in curve.baselines]
    if arms and curve.final is not None:
        arms.insert(0, {"arm": _FINAL, "final": True, **_bounds(curve.final)})
    tasks = _listed(curve.tasks)
    first, last = curve.points[0].test.mean, curve.points[-1].test.mean
    steps = words.counted(curve.points[-1].t, "step")
    went = f"test from {words.number(first)} to {words.number(last)} in {steps}"
    if curve.interval == SERIES:
        over = words.counted(len({row["run"] for row in runs}), "run")
        title = f"STOP on {tasks}, mean of {over}: {went}"
        notes = ["Bars: 95 % bootstrap intervals over runs. Thin grey lines: each run, on test."]
        if len(curve.runs) < FEW_RUNS:
            notes.append(TOO_NARROW)
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
        caption=(
            "Meta-utility of the improver that stands after each step: val decides what is "
            "adopted, test decides nothing."
            + (" Beside it, at as many samples as the final improvers drew." if arms else "")
        ),
        alt=f"{title}. {alt}." + (f" At equal samples: {beside}." if beside else ""),
        wide=curve_chart(points, runs, arms, title, notes),
        narrow=curve_chart(points, runs, arms, title, notes, narrow=True),
    )


def transfer_figure(result: Json, name: str) -> Figure:
    """Each task's arms, in its own units.

    Args:
        result: the object of `transfer --json`.
        name: of the figure's files.
    """
    panels = {
        f"{printable(task['task'])}: {verdict(task['vs_seed_improver'])}": [
            {"arm": label, "final": arm == "improved_improver", **_json_bounds(task[arm])}
            for arm, label in _ARMS.items()
            if task[arm] is not None
        ]
        for task in result["tasks"]
    }
    better = sum(title.endswith(": better") for title in panels)
    title = (
        f"Transfer: the improved improver is shown to be better on {better} of "
        f"{words.counted(len(panels), 'task')}"
    )
    n = result["runs"]
    notes = [
        f"Means on test over {words.counted(n, 'paired run')}, 95 % intervals; higher is better. "
        "Above each: the paired difference to the seed improver, corrected after Holm."
    ]
    alt = "; ".join(
        f"{name}: " + ", ".join(f"{row['arm']} {words.number(row['mean'])}" for row in arms)
        for name, arms in panels.items()
    )
    return Figure(
        name=name,
        caption=(
            "Each task has units of its own, and an axis of its own. Intervals are those of each "
            "mean by itself; the differences in the table are paired, and so more certain."
        ),
        alt=f"{title}. {alt}.",
        wide=transfer_chart(panels, title, notes),
        narrow=transfer_chart(panels, title, notes, narrow=True),
    )


def search_figure(scored: Sequence[ScoredProgram], task: str) -> Figure:
    """The best value on search so far against model calls."""
    best = [{"calls": one.calls, "best": one.best} for one in scored]
    dots = [{"calls": one.calls, "value": one.value} for one in scored]
    many = len(dots) > _MOST_DOTS
    title = (
        f"Search on {printable(task)}: from {words.number(scored[0].value)} to "
        f"{words.number(scored[-1].best)} in {words.counted(scored[-1].calls, 'model call')}"
    )
    notes = ["Line: the best program so far. " + ("" if many else "Rings: each program scored.")]
    shown = dots[:0] if many else dots
    return Figure(
        name="search",
        caption=(
            "Values on the instances that the search itself sees; how the best is judged on "
            "instances that it never saw stands in the table."
        ),
        alt=f"{title}; {words.counted(len(dots), 'program')} scored.",
        wide=search_chart(shown, best, title, notes),
        narrow=search_chart(shown, best, title, notes, narrow=True),
    )


def _arm(name: str) -> str:
    return "seed restarted" if name == "seed" else NAMES.get(name, printable(name))


def _bounds(estimate: Estimate) -> dict[str, Any]:
    return _json_bounds(estimate.as_json())


def _json_bounds(estimate: Json) -> dict[str, Any]:
    low, high = estimate["ci95"] or (None, None)
    return {"mean": estimate["mean"], "low": low, "high": high}


def _listed(names: Sequence[str]) -> str:
    safe = [printable(name) for name in names]
    return safe[0] if len(safe) == 1 else f"{', '.join(safe[:-1])} and {safe[-1]}"
