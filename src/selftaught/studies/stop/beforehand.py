"""What is told of a STOP run before it starts, besides its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selftaught.analysis.claims import expected
from selftaught.analysis.run_head import RunHead
from selftaught.core.task import VERSION_SCHEME
from selftaught.journal.location import locate
from selftaught.journal.reader import open_reader
from selftaught.studies.settings import as_json
from selftaught.studies.stop.study import ARCHIVE, RunConfig
from selftaught.studies.study import Asked


def stop_told(asked: Asked[RunConfig]) -> dict[str, dict[str, Any]]:
    """`{"nested", "claim"}`; the claim is of several runs only."""
    told = {"nested": _nested(asked)}
    if asked.config.repeats > 1:
        found = _expected(asked)
        told["claim"] = {**(found or {}), "said": _claim(found)}
    return told


def _nested(asked: Asked[RunConfig]) -> dict[str, Any]:
    """What the improvers that one proposal asks for cost at most, in scorings and calls.

    Source: Zelikman et al. 2024 (arXiv 2310.02304): (b_u + b_M) of an improver run as often as the
        meta-utility may be used, b_û; there it is one improver run, here as many as on search.
    """
    limits, tasks = asked.config.limits.value(), len(asked.tasks)
    runs = tasks * asked.config.runs.resolved(tasks)["search"]
    uses, calls = limits.utility_uses, limits.calls
    most = (uses + calls) * uses * runs
    said = (
        f"A proposal costs O((b_u + b_M) b_û): ({uses:,} uses + {calls:,} calls) x {uses:,} uses "
        f"of the meta-utility x {runs:,} improver runs each = {most:,} scorings and calls, besides "
        "its own (Zelikman et al. 2024)."
    )
    told = {"utility_uses": uses, "calls": calls, "improver_runs": runs, "most": most}
    return {**told, "said": said}


def _expected(asked: Asked[RunConfig]) -> dict[str, Any] | None:
    config = asked.config.settled(len(asked.tasks))
    versions = {(task.name, task.version_by(VERSION_SCHEME)) for task in asked.tasks}
    alike = as_json(config)

    def is_alike(head: RunHead) -> bool:
        return (
            (head.model, head.improver_id) == (config.model_label, asked.improver.id)
            and {(one.name, one.version) for one in head.tasks} == versions
            and all(head.config.get(name) == alike[name] for name in ("iterations", "accept"))
            and all(head.config.get(name, default) == alike[name] for name, default in ARCHIVE)
            and head.config["limits"] == alike["limits"]
            and all(head.config["runs"][one] == alike["runs"][one] for one in ("search", "val"))
        )

    if not locate(config.store).holds_something():
        return None
    with open_reader(config.store) as reader:
        return expected(reader, is_alike, alike["runs"]["test"], config.repeats)


def _claim(found: Mapping[str, Any] | None) -> str:
    """Half of the intervals over runs, and the runs that narrower ones take."""
    if found is None:
        return "How narrow the intervals over runs will be: no earlier runs in the store say it."
    said = []
    for key, name in (("vs_seed", "the same limits"), ("vs_seed_restarted", "equal samples")):
        if key in found:
            one = found[key]
            needed = ", ".join(
                f"{runs or 'too many'} for ± {width}" for width, runs in one["needed"].items()
            )
            said.append(f"± {one['half_width']:.3f} at {name} (runs: {needed})")
    return f"Intervals over runs, by {found['earlier_runs']} earlier ones: {'; '.join(said)}."
