"""What is shown of an ignition study: late minus early over runs, each run, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from selftaught.pages import words
from selftaught.pages.blocks import Block, Figure, PanelsChart, Paragraph, Section, Sheet, Table
from selftaught.studies.ignition.study import STAGES
from selftaught.studies.run_sections import ESTIMATE, bounds, estimate_cells

Json = Mapping[str, Any]

_GROUPS = {"took_part": "tasks that took part", "others": "tasks that did not"}
_DIFFERENCES = {"late_minus_early": "late - early", "middle_minus_early": "middle - early"}
_READING = (
    "One observation is a run: the mean of its children, over tasks, on hidden instances; "
    "intervals are Student's t over runs, each difference's own. All improvers had the "
    "same samples, and one scoring more; those that take fewer are started again. A child that is "
    "no program counts 0."
)


def ignition_section(results: Sequence[Json]) -> Section:
    blocks: list[Block] = []
    rows: list[dict[str, Any]] = []
    for place, result in enumerate(results):
        name = "ignition" if place == 0 else f"ignition-{place + 1}"
        said = [f"On {_GROUPS[key]}: {one['said']}." for key, one in result["groups"].items()]
        blocks += map(Paragraph, said)
        blocks += [_claims(result), *_lineages(result), _figure(result, name)]
        blocks += map(Paragraph, (_READING, *_notes(result)))
        rows += _rows(result)
    sheet = Sheet("ignition", ("run_id", "tasks", "what", *ESTIMATE, "verdict"), rows)
    title = "Do later improvers make better improvers?"
    return Section("ignition", title, tuple(blocks), [*results], (sheet,))


def _claims(result: Json) -> Table:
    rows = tuple(
        (_GROUPS[key], said, words.difference(group[name]))
        for key, group in result["groups"].items()
        for name, said in _DIFFERENCES.items()
    )
    over = words.counted(len(result["lineages"]), "run")
    title = f"Children of later improvers minus those of early ones, over {over}"
    return Table(title, ("", "", "mean, 95 % CI"), rows)


def _lineages(result: Json) -> Iterator[Table]:
    """What the children of each stage of each run come to."""
    children = "1 child" if result["children"] == 1 else f"{result['children']:,} children"
    for group, told in result["groups"].items():
        rows = [
            (one["name"], *(words.number(one[stage][group]) for stage in STAGES))
            for one in result["lineages"]
        ]
        rows.append(("mean", *(words.mean_and_interval(told[stage], "\n") for stage in STAGES)))
        title = f"On {_GROUPS[group]}: mean meta-utility of {children} of each improver"
        yield Table(title, ("run", *STAGES), tuple(rows))


def _notes(result: Json) -> Iterator[str]:
    """What else a reader has to know, a sentence each."""
    yield (
        f"All improved {result['incumbent']} ({result['incumbent_id'][: words.SHORT_ID]}), with "
        f"{result['samples']:,} samples a child. Tasks that took part: "
        f"{words.listed(result['groups']['took_part']['tasks'])}."
    )
    if "others" in result["groups"]:
        yield f"Tasks that did not: {words.listed(result['groups']['others']['tasks'])}."
    measured, asked = len(result["lineages"]), result["lineages_asked"]
    if measured < asked:
        yield f"The study ended early: of {asked:,} runs {measured:,} were measured whole."
    same = sum(
        one["early"]["improver_id"] == one["late"]["improver_id"] for one in result["lineages"]
    )
    if same:
        yield f"{words.counted(same, 'run')} ended with the improver that it began with: 0 there."
    for stage in STAGES:
        failed = sum(one[stage]["failed"] for one in result["lineages"])
        if failed:
            yield f"Of the children of {stage} improvers {failed:,} were no program."


def _figure(result: Json, name: str) -> Figure:
    panels = {
        f"{_GROUPS[key]}: {group['verdict']}": [
            {"arm": stage, "final": stage == "late", **bounds(group[stage])} for stage in STAGES
        ]
        for key, group in result["groups"].items()
    }
    title = f"Ignition: {result['groups']['took_part']['said']}"
    over = words.counted(len(result["lineages"]), "run")
    alt = "; ".join(
        f"{_GROUPS[key]}: "
        + ", ".join(f"{one} {words.number(group[one]['mean'])}" for one in STAGES)
        for key, group in result["groups"].items()
    )
    return Figure(
        name=name,
        title=title,
        notes=(f"Children's mean meta-utility on hidden instances, over {over}, 95 % intervals.",),
        caption=(
            "Intervals are those of each mean by itself; the differences in the table are paired "
            "by run, and so more certain."
        ),
        alt=f"{title}. {alt}.",
        chart=PanelsChart(panels),
    )


def _rows(result: Json) -> Iterator[dict[str, Any]]:
    for key, group in result["groups"].items():
        for what in (*STAGES, *_DIFFERENCES):
            yield {
                "run_id": result["run_id"],
                "tasks": key,
                "what": what,
                **estimate_cells(group[what]),
                "verdict": group["verdict"] if what == "late_minus_early" else None,
            }
