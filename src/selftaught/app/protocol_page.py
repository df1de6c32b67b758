"""What is shown of a reproduced protocol, beside what was published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selftaught.pages import words
from selftaught.pages.blocks import Block, Facts, Listing, Page, Paragraph, Section, Table
from selftaught.studies.next_command import next_command
from selftaught.studies.stop.page import NAMES
from selftaught.studies.transfer.page import transfer_notes, transfer_tables

Json = Mapping[str, Any]


def protocol_page(result: Json, store: str) -> Page:
    """What it is, the tables beside what was published, the improver, spending, and what more."""
    transferred = result["transfer"]
    blocks: list[Block] = [_meta_utility(result)]
    if result["no_transfer"]:
        blocks.append(Paragraph(f"No transfer: {result['no_transfer']}."))
    if transferred:
        blocks += transfer_tables(transferred)
        blocks += map(Paragraph, transfer_notes(transferred))
    best = result["best"]
    if best:
        title = f"The best improver, {best['improver_id'][: words.SHORT_ID]}, at the end of its run"
        blocks.append(Listing(title, best["source"]))
    ended = "" if result["state"] == "done" else f"ended by: {result['state']}; "
    spent = f"{ended}spent: {words.spending(result['usage'], result['wall_s'])}"
    sections = (
        Section("results", "", tuple(blocks)),
        Section("end", "", (Paragraph(spent),)),
        Section("more", "", (Facts(tuple(_more(result, store)), "More"),)),
    )
    return Page("", (" ".join(result["about"].split()),), sections)


def _more(result: Json, store: str) -> Iterator[tuple[str, str]]:
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


def _meta_utility(result: Json) -> Table:
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
    sources = dict.fromkeys(
        f"{one['what'].rpartition(', ')[2]}: {one['source']}" for one in published
    )
    if sources:
        note += f"Published: {'; '.join(sources)}. "
    note += "Baselines draw as many samples as the last improvers."
    title = f"Meta-utility on test of {', '.join(result['published'])}, over {over}"
    return Table(title, ("", "mean", "95 % CI", "published"), tuple(rows), note)


def _name(baseline: str) -> str:
    return "to begin with, restarted" if baseline == "seed" else NAMES.get(baseline, baseline)
