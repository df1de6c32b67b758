"""A report's content, from what was gathered: its title, what came out, and its sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught import __version__
from selftaught.analysis import words
from selftaught.analysis.curve import SERIES
from selftaught.analysis.report.document import Document, Section
from selftaught.analysis.report.study import Study
from selftaught.app.report.costs import outcomes_section, spending_section
from selftaught.app.report.figures import FEW_RUNS, TOO_NARROW
from selftaught.app.report.programs import BEST_FILE, program_sections
from selftaught.app.report.results import result_sections
from selftaught.app.report.setup import setup_files, setup_section

Json = Mapping[str, Any]


def report_document(study: Study, more: Sequence[Section] = ()) -> Document:
    """The whole report.

    Args:
        more: sections that took more than the journal to make; they stand before the best program.
    """
    head = study.head
    sections = [
        *result_sections(study),
        *more,
        *program_sections(study),
        spending_section(study),
        outcomes_section(study),
        setup_section(study),
    ]
    files = setup_files(study)
    best = study.best_view.best
    if best is not None and best.source is not None:
        files[BEST_FILE] = best.source
    return Document(
        run_id=study.study_id,
        kind=head.command,
        title=_title(study),
        lead=tuple(_lead(study)),
        sections=tuple(sections),
        version=__version__,
        files=files,
    )


def _title(study: Study) -> str:
    head = study.head
    tasks = ", ".join(head.task_names)
    match head.command:
        case "run":
            what = "series" if study.is_series else "run"
            return f"STOP on {tasks}: {what} {study.study_id}"
        case "improve":
            return f"{tasks} improved: run {study.study_id}"
        case command:
            return f"{command} on {tasks}: run {study.study_id}"


def _lead(study: Study) -> Iterator[str]:
    head = study.head
    yield f"Model {head.model}, sandbox {head.tier}. {_state(study)}"
    if study.curve is not None:
        yield from _stop_lead(study)
    result = study.views[0].result or {}
    if study.head.command == "improve" and "task" in result:
        seed, best = result["seed"]["test"], result["best"]["test"]
        yield (
            f"On test the best program is worth {words.mean_and_interval(best)}, the seed "
            f"{words.mean_and_interval(seed)}."
        )


def _state(study: Study) -> str:
    heads = [view.head for view in study.views]
    states = " and ".join(dict.fromkeys(head.state for head in heads))
    place = head.series if (head := study.head) else None
    runs = "" if place is None else f"{len(heads)} of {place.of} runs: "
    took = "" if study.wall_s is None else f", after {words.duration(study.wall_s)}"
    details = "; ".join(dict.fromkeys(head.detail for head in heads if head.detail))
    return f"State: {runs}{states}{took}{f' ({details})' if details else ''}."


def _stop_lead(study: Study) -> Iterator[str]:
    curve = study.curve
    assert curve is not None
    first, last = curve.points[0], curve.points[-1]
    begun, stands = (words.mean_and_interval(one.test.as_json()) for one in (first, last))
    yield (
        f"On test the improver to begin with reaches a meta-utility of {begun}, and the one that "
        f"stands after step {last.t} reaches {stands}."
    )
    differences: dict[str, Json | None] = {}
    if curve.interval == SERIES:
        gain = last.test_gain
        differences["Final minus seed"] = None if gain is None else gain.as_json()
        for one in curve.baselines:
            if one.name == "seed":
                name = "Final minus seed restarted to as many samples"
                differences[name] = one.final_difference.as_json()
    else:
        comparison = (study.views[0].result or {}).get("comparison", {})
        differences["Final minus seed"] = comparison.get("vs_seed")
        differences["Final minus seed restarted to as many samples"] = comparison.get(
            "vs_seed_restarted"
        )
    for name, difference in differences.items():
        if difference is not None:
            mean, interval = words.signed(difference["mean"]), words.interval(difference, sign=True)
            yield f"{name}: {mean} {interval}; {words.reading(difference)}."
    if curve.interval == SERIES and len(curve.runs) < FEW_RUNS:
        yield TOO_NARROW
