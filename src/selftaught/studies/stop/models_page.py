"""STOP with several models side by side: what each gains, and in what share of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from selftaught.analysis.curve import Curve
from selftaught.core.statistics import estimate
from selftaught.pages import words
from selftaught.pages.blocks import Page, Section, Table
from selftaught.studies.sandbox_audit.rates import proportion

Json = Mapping[str, Any]

# What counts as a gain: Zelikman et al. 2024 (arXiv 2310.02304) tell in which share of runs a model
# gains 3 % at least, GPT-3.5 in 12 % of 25 on learning parity with noise.
GAIN = 0.03
_PUBLISHED = {"model": "GPT-3.5", "tasks": ["parity_noise"], "t": 4, **proportion(3, 25)}


def side_by_side(curves: Sequence[Curve]) -> dict[str, Any]:
    """The object of `show RUN RUN... --json`, a row for each series, or run by itself.

    Each run counts from t = 0 to its last step, on test; one that took no step counts for nothing.
    """
    rows = []
    for curve in curves:
        last = [run.points for run in curve.runs if len(run.points) > 1]
        gains = [points[-1].test.mean - points[0].test.mean for points in last]
        rows.append(
            {
                "series_id": curve.series_id,
                "model": curve.model,
                "tasks": list(curve.tasks),
                "t": max((points[-1].t for points in last), default=0),
                "gain": estimate({"": gains}).as_json() if gains else None,
                "gained": proportion(sum(gain >= GAIN for gain in gains), len(gains)),
            }
        )
    return {"at_least": GAIN, "series": rows, "published": [_PUBLISHED]}


def side_by_side_page(result: Json) -> Page:
    """One table, and what is not alike."""
    rows = [
        (
            f"{one['model']}\n{one['series_id']}",
            "\n".join(one["tasks"]),
            str(one["t"]),
            "-" if one["gain"] is None else words.difference(one["gain"]),
            _share(one["gained"]),
        )
        for one in result["series"]
    ]
    for one in result["published"]:
        cells = (f"{one['model']}\npublished", "\n".join(one["tasks"]), str(one["t"]), "")
        rows.append((*cells, _share(one)))
    table = Table(
        "STOP, model by model",
        ("model", "tasks", "t", "gain on test", f"runs that gain {result['at_least']:g}"),
        tuple(rows),
        "Gain: meta-utility on test, last step minus t = 0; mean over runs and Student's t. Last "
        f"column: runs that gain {result['at_least']:g} at least, with Wilson's interval. "
        "Published: Zelikman et al. 2024 (arXiv 2310.02304).",
    )
    kinds = {(tuple(one["tasks"]), one["t"]) for one in result["series"]}
    lead = ("Not of the same tasks and steps: no comparison of models.",) if len(kinds) > 1 else ()
    return Page("", lead, (Section("models", "", (table,), dict(result)),))


def _share(found: Json) -> str:
    if found["rate"] is None:
        return "-"
    low, high = (f"{100 * bound:.0f}" for bound in found["ci95"])
    return f"{found['count']} of {found['n']}: {100 * found['rate']:.0f} %\n[{low}, {high}]"
