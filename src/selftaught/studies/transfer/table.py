"""What a transfer study comes to, from the values of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from selftaught.core.multiple_tests import holm, sign_flip_p
from selftaught.core.statistics import estimate, paired_difference

Values = Sequence[float]


@dataclass(frozen=True, slots=True)
class TransferredTask:
    """Values on test of one task, in its own units; place i of each is of the same instances.

    Attributes:
        task: its name.
        seed_program: of the task's seed.
        seed_improver, improved_improver: of what the improvers made of the seed.
        seed_restarted: of the best by search of several runs of the seed improver, which drew as
            many samples as the improved one; None if it was not measured.
    """

    task: str
    seed_program: Values
    seed_improver: Values
    improved_improver: Values
    seed_restarted: Values | None = None


def transfer_rows(tasks: Sequence[TransferredTask]) -> list[dict[str, Any]]:
    """A row a task: means with intervals, and differences with p-values.

    The p-values are those of the sign-flip test, by themselves (`p_value`) and corrected after
    Holm over all the tasks (`p_holm`); against the restarted seed improver, over those for which
    it was measured.
    """
    against_seed = _tested({one.task: (one.improved_improver, one.seed_improver) for one in tasks})
    against_restarted = _tested(
        {
            one.task: (one.improved_improver, one.seed_restarted)
            for one in tasks
            if one.seed_restarted is not None
        }
    )
    return [
        {
            "task": one.task,
            "seed_program": _mean(one.seed_program),
            "seed_improver": _mean(one.seed_improver),
            "improved_improver": _mean(one.improved_improver),
            "seed_restarted": None if one.seed_restarted is None else _mean(one.seed_restarted),
            "vs_seed_improver": against_seed[one.task],
            "vs_seed_restarted": against_restarted.get(one.task),
        }
        for one in tasks
    ]


def _mean(values: Values) -> dict[str, Any]:
    return estimate({"": values}).as_json()


def _tested(pairs: Mapping[str, tuple[Values, Values]]) -> dict[str, dict[str, Any]]:
    """First minus second of each task, with its interval and p-values."""
    p_values = {
        task: sign_flip_p([a - b for a, b in zip(first, second, strict=True)])
        for task, (first, second) in pairs.items()
    }
    corrected = holm(p_values)
    return {
        task: {
            **paired_difference({"": first}, {"": second}).as_json(),
            "p_value": p_values[task],
            "p_holm": corrected[task],
        }
        for task, (first, second) in pairs.items()
    }
