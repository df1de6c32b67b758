"""What is told of a STOP run before it starts, besides its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selftaught.analysis.claims import expected
from selftaught.journal.location import locate
from selftaught.journal.reader import open_reader
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked


def stop_told(asked: Asked[RunConfig]) -> dict[str, dict[str, Any]]:
    """`{"nested", "claim"}`; the claim is of several runs only."""
    told = {"nested": _nested(asked)}
    if asked.config.repeats > 1:
        found = _expected(asked)
        told["claim"] = {**(found or {}), "said": _claim(found)}
    return told


def _nested(asked: Asked[RunConfig]) -> dict[str, Any]:
    """What one proposal costs at most, in uses of utilities and calls of the model.

    Source: Zelikman et al. 2024 (arXiv 2310.02304): (b_u + b_M) of an improver run as often as the
        meta-utility may be used, b_û; there it is one improver run, here as many as on search.
    """
    limits, tasks = asked.config.limits.value(), len(asked.tasks)
    runs = tasks * asked.config.runs.resolved(tasks)["search"]
    uses, calls = limits.utility_uses, limits.calls
    most = (uses + calls) * uses * runs
    said = (
        f"A proposal costs O((b_u + b_M) b_û): ({uses:,} uses + {calls:,} calls) x {uses:,} uses "
        f"of the meta-utility x {runs:,} improver runs each = {most:,} scorings and calls at most "
        "(Zelikman et al. 2024)."
    )
    told = {"utility_uses": uses, "calls": calls, "improver_runs": runs, "most": most}
    return {**told, "said": said}


def _expected(asked: Asked[RunConfig]) -> dict[str, Any] | None:
    config, names = asked.config, [task.name for task in asked.tasks]
    path = locate(config.store).path
    if not path.exists() or path.stat().st_size == 0:
        return None
    improver_runs = config.runs.resolved(len(names))["test"]
    with open_reader(config.store) as reader:
        return expected(reader, names, config.model_label, improver_runs, config.repeats)


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
