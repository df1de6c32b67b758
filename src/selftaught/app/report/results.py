"""What a study measured: learning curve, comparisons, the search of an improve run, transfer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from selftaught.analysis import words
from selftaught.analysis.curve import COLUMNS, SERIES
from selftaught.analysis.report.document import Block, Paragraph, Section, Sheet, Table
from selftaught.analysis.report.study import Study
from selftaught.analysis.run_view import RunView
from selftaught.app.report.cells import ESTIMATE, estimate_cells, table
from selftaught.app.report.figures import curve_figure, search_figure, transfer_figure
from selftaught.app.shown_curve import baselines_grid, curve_baselines_grid, curve_grid, runs_grid
from selftaught.app.shown_result import comparison_grid, iterations_grid, measured_grid
from selftaught.app.shown_transfer import transfer_grids, transfer_notes

Json = Mapping[str, Any]


def result_sections(study: Study) -> Iterator[Section]:
    """Those that there is something to say of."""
    yield from _curve(study)
    yield from _comparison(study)
    yield from _search(study)
    yield from _transfer(study)


def _curve(study: Study) -> Iterator[Section]:
    curve = study.curve
    if curve is None:
        return
    as_json = curve.as_json()
    blocks: list[Block] = [curve_figure(curve)]
    if curve.interval == SERIES:
        blocks.append(table(curve_grid(as_json)))
        if curve.baselines:
            blocks.append(table(curve_baselines_grid(as_json)))
    else:
        blocks.append(table(iterations_grid(study.views[0].iterations)))
    sheet = Sheet("curve", COLUMNS, curve.rows())
    yield Section("curve", "Learning curve", tuple(blocks), as_json, (sheet,))


def _comparison(study: Study) -> Iterator[Section]:
    results = {
        view.head.run_id: view.result
        for view in study.views
        if view.result is not None and "comparison" in view.result
    }
    if not results:
        return
    if study.is_series:
        assert study.curve is not None
        series = {
            "series_id": study.study_id,
            "runs": [*results.values()],
            "curve": study.curve.as_json(),
        }
        grids = [runs_grid(series)]
        title = "Each run"
    else:
        (result,) = results.values()
        comparison = result["comparison"]
        grids = [comparison_grid(comparison)]
        grids += [baselines_grid(comparison)] if "baselines" in comparison else []
        title = "Final improver against seed improver and baselines"
    rows = [
        {"run_id": run_id, "what": name, **estimate_cells(measured)}
        for run_id, result in results.items()
        for name, measured in _measured(result["comparison"])
    ]
    sheet = Sheet("comparison", ("run_id", "what", *ESTIMATE), rows)
    data = {run_id: result["comparison"] for run_id, result in results.items()}
    yield Section("comparison", title, tuple(map(table, grids)), data, (sheet,))


def _measured(comparison: Json) -> Iterator[tuple[str, Json]]:
    for name, one in comparison.items():
        if name == "baselines":
            for baseline, measured in one.items():
                if measured is not None:
                    yield f"baseline {baseline}", measured["test"]
                    yield f"vs baseline {baseline}", measured["final_difference"]
        elif one is not None:
            yield name, one


def _search(study: Study) -> Iterator[Section]:
    """An improve run: the search, and what came of it."""
    if study.head.command != "improve":
        return
    result = study.views[0].result
    blocks: list[Block] = []
    if study.scored:
        blocks.append(search_figure(study.scored, study.head.task_names[0]))
    if result is not None and "task" in result:
        blocks.append(table(measured_grid(result)))
        if result.get("finalists"):
            blocks.append(_finalists(result["finalists"]))
    else:
        blocks.append(Paragraph("Nothing was measured: the run has no result yet."))
    columns = ("calls", "samples", "program_id", "value", "best")
    rows = [asdict(one) for one in study.scored]
    data = {"result": result, "scored": rows}
    yield Section("search", "Seed and best", tuple(blocks), data, (Sheet("search", columns, rows),))


def _finalists(finalists: Sequence[Json]) -> Table:
    rows = [
        (
            one["program_id"][: words.SHORT_ID],
            words.number(one["search"]),
            words.mean_and_interval(one["val"]),
            "" if place == 0 else words.mean_and_interval(one["behind"]),
            "taken" if place == 0 else "tied with it" if one["tied"] else "worse",
        )
        for place, one in enumerate(finalists)
    ]
    title = "The best on search, measured anew on val"
    return Table(title, ("program", "search", "val", "behind the first", ""), tuple(rows))


def _transfer(study: Study) -> Iterator[Section]:
    views = [*study.transfers]
    if study.head.command == "transfer":
        views = [view for view in study.views if view.result]
    if not views:
        if study.head.command == "run" and study.curve is not None:
            said = "No transfer to other tasks was measured. This does it:"
            command = f"selftaught transfer {study.best_view.head.run_id}"
            yield Section("transfer", "Transfer", (Paragraph(said, command),), [])
        return
    blocks: list[Block] = []
    for place, view in enumerate(views):
        result = view.result
        assert result is not None
        said = (
            f"Run {view.head.run_id}: improver {result['improved_improver_id'][: words.SHORT_ID]}, "
            f"which stands at the end of run {result['origin']}, against "
            f"{result['seed_improver_id'][: words.SHORT_ID]}, with which it began."
        )
        name = "transfer" if place == 0 else f"transfer-{place + 1}"
        blocks += [Paragraph(said), transfer_figure(result, name)]
        blocks += map(table, transfer_grids(result))
        blocks += map(Paragraph, transfer_notes(result))
    rows = [row for view in views for row in _transfer_rows(view)]
    columns = ("run_id", "task", "what", *ESTIMATE, "p_value", "p_holm", "samples")
    data = [view.result for view in views]
    sheet = Sheet("transfer", columns, rows)
    yield Section("transfer", "Transfer to other tasks", tuple(blocks), data, (sheet,))


def _transfer_rows(view: RunView) -> Iterator[dict[str, Any]]:
    result = view.result or {}
    for task in result.get("tasks", ()):
        for what in (
            *("seed_program", "seed_improver", "improved_improver", "seed_restarted"),
            *("vs_seed_improver", "vs_seed_restarted"),
        ):
            measured = task[what]
            if measured is not None:
                yield {
                    "run_id": view.head.run_id,
                    "task": task["task"],
                    "what": what,
                    **estimate_cells(measured),
                    "p_value": measured.get("p_value"),
                    "p_holm": measured.get("p_holm"),
                    "samples": task["samples"].get(what),
                }
