"""What is shown of a learning curve and of baselines: tables, described once for text and HTML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selftaught.analysis import words
from selftaught.app.shown_result import Block, Grid, Line, self_improve_blocks
from selftaught.studies.common_config import DEFAULT_STORE
from selftaught.studies.next_command import next_command

Json = Mapping[str, Any]

NAMES = {
    "seed": "seed improver",
    "chain_of_thought": "chain of thought",
    "greedy": "greedy iterative",
    "best_of_n": "best of n",
}
_FEW_RUNS = 5
_EQUAL_SAMPLES = (
    "Each is restarted in the same improver runs until it has drawn as many samples as the final "
    "improver drew there; its best by search counts. The difference is the final improver minus it."
)


def stop_blocks(result: Json, store: str = DEFAULT_STORE) -> list[Block]:
    """What the object of `run --json` shows of itself, of one run or of a series."""
    if "series_id" in result:
        return _series_blocks(result, store)
    blocks = self_improve_blocks(result, store)
    if "baselines" in result["comparison"]:
        blocks.insert(2, baselines_grid(result["comparison"]))  # after the comparison
    return blocks


def _series_blocks(result: Json, store: str) -> list[Block]:
    curve = result["curve"]
    ended = f"ended after {words.duration(result['wall_s'])}: {result['state']}"
    return [
        runs_grid(result),
        curve_grid(curve),
        *([curve_baselines_grid(curve)] if curve["baselines"] else []),
        Line(f"{ended}; model {curve['model']}"),
        Line(f"spent: {words.spending(result['usage'])}"),
        Line("more: ", next_command("show", result["series_id"], store)),
    ]


def baselines_grid(comparison: Json) -> Grid:
    """The baselines of one run, from the `comparison` of `run --json`, which must have some."""
    rows = []
    for name, one in comparison["baselines"].items():
        if one is None:
            rows.append((NAMES.get(name, name), "-", "-", "-", "not measured: budget spent"))
            continue
        difference = one["final_difference"]
        rows.append(
            (
                NAMES.get(name, name),
                words.mean_and_interval(one["test"], "\n"),
                f"{one['samples']:,}",
                _signed(difference),
                words.reading(difference),
            )
        )
    title = "Baselines on test, at as many samples as the final improver drew"
    headings = ("", "mean", "samples", "final - it", "")
    return Grid(title, headings, tuple(rows), _EQUAL_SAMPLES)


def curve_grid(curve: Json) -> Grid:
    """The learning curve of a series, from the `curve` of `run --json`."""
    rows = []
    for point in curve["points"]:
        gain = point["test_gain"]
        rows.append(
            (
                str(point["t"]),
                str(point["val"]["n"]),
                words.mean_and_interval(point["val"], "\n"),
                words.mean_and_interval(point["test"], "\n"),
                "" if gain is None else _signed(gain),
                f"{point['samples_per_improver_run']:.1f}\n{point['samples_so_far']:,.0f} so far",
            )
        )
    started = sum(bool(run["points"]) for run in curve["runs"])
    runs = f"{started} runs" if started == curve["of"] else f"{started} of {curve['of']} runs"
    note = (
        "Means over runs, with bootstrap intervals over runs. Samples: what the improver drew in "
        "an improver run on test, and what a whole run had drawn so far."
    )
    if started < _FEW_RUNS:
        note += f" Intervals over fewer than {_FEW_RUNS} runs are much too narrow."
    return Grid(
        f"Learning curve over {runs}: meta-utility after each step, with 95 % CI",
        ("t", "runs", "val", "test", "test - t = 0", "samples"),
        tuple(rows),
        note,
    )


def curve_baselines_grid(curve: Json) -> Grid:
    """The final improvers of a series and its baselines."""
    rows = []
    for one in curve["baselines"]:
        rows.append(
            (
                NAMES.get(one["name"], one["name"]),
                str(one["test"]["n"]),
                words.mean_and_interval(one["test"], "\n"),
                _signed(one["final_difference"]),
                f"{one['samples_per_improver_run']:.1f}",
            )
        )
    if curve["final"] is not None:
        final = curve["final"]
        mean = words.mean_and_interval(final, "\n")
        drawn = [one["final_samples_per_improver_run"] for one in curve["baselines"]]
        samples = f"{drawn[0]:.1f}" if drawn else "-"
        rows.append(("final improver", str(final["n"]), mean, "", samples))
    title = "Final improvers and baselines on test, at equal samples an improver run"
    headings = ("", "runs", "mean", "final - it", "samples")
    return Grid(title, headings, tuple(rows), _EQUAL_SAMPLES)


def runs_grid(series: Json) -> Grid:
    """Each run of a series, from the object of `run --json`."""
    return Grid(
        f"Series {series['series_id']}: {len(series['runs'])} of {series['curve']['of']} runs",
        ("run", "state", "final test", "final - seed", "final - seed restarted"),
        tuple(
            (
                run["run_id"],
                run["state"],
                words.number(run["comparison"]["final"]["mean"]),
                *(_mean(run["comparison"][key]) for key in ("vs_seed", "vs_seed_restarted")),
            )
            for run in series["runs"]
        ),
    )


def _signed(difference: Json) -> str:
    return f"{words.signed(difference['mean'])}\n{words.interval(difference, sign=True)}"


def _mean(difference: Json | None) -> str:
    return "-" if difference is None else words.signed(difference["mean"])
