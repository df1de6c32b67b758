"""What the events of an audit of promotions come to, and what must hold of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from selftaught.analysis.recorded_run import RecordedRun, latest
from selftaught.core.betting import paired
from selftaught.core.statistics import clopper_pearson
from selftaught.engine.keys import make_key, of_step
from selftaught.journal.codec import Event
from selftaught.journal.study_events import Promotion
from selftaught.studies.checking import key_problem, paired_problems
from selftaught.studies.promotions.run import arm_name

BETTER, WORSE = "better", "worse"


def promotions_result(run: RecordedRun) -> dict[str, Any] | None:
    """A row a promotion that was measured, in their order, and one a policy."""
    measured: dict[tuple[str, int, int], Promotion] = {
        (one.run_id, one.t, one.k): one for one in latest(run.events, Promotion).values()
    }
    if not measured:
        return None
    config = run.head.config
    listed = [
        (one, measured.get((one["run_id"], one["t"], one.get("k", 0)))) for one in config["adopted"]
    ]
    rows = [_row(one, body) for one, body in listed if body is not None]
    policies = dict.fromkeys(row["policy"] for row in rows)
    return {
        "origins": list(config["origins"]),
        "pairs": config["pairs"],
        "promotions": rows,
        "policies": [
            _share(name, [row for row in rows if row["policy"] == name]) for name in policies
        ],
        "not_measured": sum(body is None for _, body in listed),
    }


def _row(one: dict[str, Any], body: Promotion) -> dict[str, Any]:
    found = paired(body.values)
    low, high = found.ci95 or (0.0, 0.0)
    return {
        "run_id": one["run_id"],
        "t": one["t"],
        "policy": one["policy"],
        "improver_id": one["improver"],
        "parent_id": one["parent"],
        "val_difference": one["val"],
        "difference": found.as_json(),
        "false": found.mean <= 0,
        "shown": BETTER if low > 0 else WORSE if high < 0 else None,
    }


def _share(policy: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    false, n = sum(row["false"] for row in rows), len(rows)
    return {
        "policy": policy,
        "n": n,
        "false": false,
        "share": false / n,
        "ci95": list(clopper_pearson(false, n)),
        **{f"shown_{what}": sum(row["shown"] == what for row in rows) for what in (BETTER, WORSE)},
    }


def promotions_problems(event: Event, before: RecordedRun) -> Iterator[str]:
    """How an event is not what those before it come to."""
    match event.body:
        case Promotion() as body:
            root = make_key("run", before.head.seed)
            place = of_step(body.t, body.k)
            yield from key_problem(root, event, event.kind, body.run_id, *place)
            said = (body.run_id, body.t, body.k, body.improver, body.parent)
            for number, one in enumerate(before.head.config["adopted"]):
                told = (one["run_id"], one["t"], one.get("k", 0), one["improver"], one["parent"])
                if told == said:
                    yield from paired_problems(before, body, "test", arm_name(number))
                    break
            else:
                yield "it is of no proposal that the audit was to measure"
