"""What the events of a STOP run come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest
from selftaught.core.statistics import Bounds, paired_difference
from selftaught.journal.codec import as_json
from selftaught.journal.study_events import Baseline, Iteration, MetaEvaluation
from selftaught.studies.stop.baselines import SHIPPED


def stop_result(run: RecordedRun) -> dict[str, Any] | None:
    """Iterations, comparison on test, and the improver that stands at the end."""
    iterations = sorted(latest(run.events, Iteration).values(), key=lambda one: one.t)
    if not iterations:
        return None
    final = iterations[-1].improver_id
    return {
        "iterations": [as_json(one) for one in iterations],
        "comparison": _comparison(run, iterations[0].improver_id, final),
        "best_improver_id": final,
        "final_improver_id": final,
    }


def _comparison(run: RecordedRun, first: str, last: str) -> dict[str, Any]:
    on_test = {
        one.improver: one
        for one in latest(run.events, MetaEvaluation).values()
        if one.stream == "test"
    }
    baselines = {
        one.name: one for one in latest(run.events, Baseline).values() if one.final == last
    }
    seed, final, unit = on_test[first], on_test[last], run.head.unit
    comparison: dict[str, Any] = {
        "seed": seed.estimate.as_json(),
        "seed_restarted": None,
        "final": final.estimate.as_json(),
        "vs_seed": paired_difference(final.values, seed.values, unit).as_json(),
        "vs_seed_restarted": None,
    }
    restarted = baselines.get("seed")
    if restarted is not None:
        comparison["seed_restarted"] = restarted.estimate.as_json()
        difference = paired_difference(final.values, restarted.values, unit)
        comparison["vs_seed_restarted"] = difference.as_json()
    if _with_baselines(run.head.config):
        comparison["baselines"] = {
            name: _compared(baselines[name], final, unit) if name in baselines else None
            for name in SHIPPED
        }
    return comparison


def _with_baselines(config: Mapping[str, Any]) -> bool:
    asked = config.get("baselines")
    return bool(config.get("repeats", 1) > 1 if asked is None else asked)


def _compared(baseline: Baseline, final: MetaEvaluation, unit: Bounds | None) -> dict[str, Any]:
    """The difference is the final improver minus the baseline, paired."""
    return {
        "improver_id": baseline.improver,
        "test": baseline.estimate.as_json(),
        "samples": sum(map(sum, baseline.samples.values())),
        "final_samples": sum(map(sum, baseline.final_samples.values())),
        "final_difference": paired_difference(final.values, baseline.values, unit).as_json(),
    }
