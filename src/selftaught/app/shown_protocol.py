"""What a reproduced protocol shows of itself, beside what was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.analysis import words
from selftaught.app.shown_curve import NAMES
from selftaught.app.shown_result import Grid
from selftaught.app.shown_transfer import transfer_grids, transfer_notes
from selftaught.studies.next_command import next_command

Json = Mapping[str, Any]


def protocol_grids(result: Json) -> list[Grid]:
    """Meta-utility on test beside published values, then the tables of the transfer.

    Args:
        result: the object of `reproduce --json`.
    """
    transferred = result["transfer"]
    return [_meta_utility(result), *(transfer_grids(transferred) if transferred else ())]


def protocol_notes(result: Json) -> Iterator[str]:
    """What else a reader has to know, a sentence each."""
    if result["no_transfer"]:
        yield f"No transfer: {result['no_transfer']}."
    if result["transfer"]:
        yield from transfer_notes(result["transfer"])


def protocol_more(result: Json, store: str) -> Iterator[tuple[str, str]]:
    """Commands that show more, and what each shows."""
    runs = result["series"].get("series_id", result["series"].get("run_id"))
    yield next_command("show", runs, store), "the runs, step by step"
    yield next_command("report", runs, store), "a page with the learning curve"
    if result["best"]:
        best = result["best"]["run_id"]
        yield next_command("strategies", best, store), "how the best improver searches"
    if result["transfer"]:
        study = result["transfer"]["run_id"]
        yield next_command("show", study, store), "the transfer, and what it took"


def _meta_utility(result: Json) -> Grid:
    """First and last improvers of all runs, and the baselines."""
    series = result["series"]
    curve = series.get("curve")
    if curve is not None:
        first, last = curve["points"][0], curve["points"][-1]
        measured = {
            "improver to begin with": first["test"],
            f"after step {last['t']}": last["test"],
            "difference": last["test_gain"],
            **{_name(one["name"]): one["test"] for one in curve["baselines"]},
        }
        over = words.counted(len(curve["runs"]), "run")
        note = f"Intervals: {curve['interval']}. "
    else:
        comparison, over, note = series["comparison"], "one run", ""
        last = series["iterations"][-1]
        measured = {
            "improver to begin with": comparison["seed"],
            f"after step {last['t']}": comparison["final"],
            "difference": comparison["vs_seed"],
            _name("seed"): comparison["seed_restarted"],
        }
    published = [one for listed in result["published"].values() for one in listed]
    rows = []
    for name, estimate in measured.items():
        if estimate is not None:
            beside = next((one for one in published if one["what"].startswith(name)), None)
            value = "" if beside is None else words.number(beside["value"])
            rows.append((name, words.number(estimate["mean"]), words.interval(estimate), value))
    sources = dict.fromkeys(f"{_model(one['what'])}: {one['source']}" for one in published)
    if sources:
        note += f"Published: {'; '.join(sources)}. "
    note += "Baselines draw as many samples as the last improvers."
    title = f"Meta-utility on test of {', '.join(result['published'])}, over {over}"
    return Grid(title, ("", "mean", "95 % CI", "published"), tuple(rows), note)


def _name(baseline: str) -> str:
    return "to begin with, restarted" if baseline == "seed" else NAMES.get(baseline, baseline)


def _model(what: str) -> str:
    return what.rpartition(", ")[2]
