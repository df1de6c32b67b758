"""What the public functions return: results that show themselves, printed and in a notebook."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from selftaught.app.pages import end_page
from selftaught.pages import words
from selftaught.pages.html import fragment
from selftaught.pages.terminal import as_text
from selftaught.studies.common_config import DEFAULT_STORE
from selftaught.studies.registry import find_study


@dataclass(frozen=True, slots=True)
class Measured:
    """A mean in the task's own units, with its 95 % interval over `n` sets of instances.

    It is infinite, with no interval, of a task without a highest cost where a set failed.
    """

    mean: float
    ci95: tuple[float, float] | None
    n: int


@dataclass(frozen=True, slots=True)
class ImproveResult:
    """What `improve` found; printed, and in a notebook, it shows what changed and what it took.

    Attributes:
        run_id: the run in the store.
        state: `done`, `budget` if the budget ended it, or `stopped`.
        source: the best program.
        seed_test, best_test: the seed and the best program on instances that no guest ever saw;
            None if the run was stopped before that was measured.
        data: the whole object of `improve --json`.
        store: URL of the store.
    """

    run_id: str
    state: str
    source: str
    seed_test: Measured | None
    best_test: Measured | None
    data: dict[str, Any]
    store: str = DEFAULT_STORE

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(task={self.data['task']!r}, "
            f"seed_test={_short(self.seed_test)}, best_test={_short(self.best_test)}, "
            f"state={self.state!r}, run_id={self.run_id!r})"
        )

    def __str__(self) -> str:
        return as_text(end_page(find_study("improve"), self.data, self.store))

    def _repr_html_(self) -> str:
        return fragment(end_page(find_study("improve"), self.data, self.store))


@dataclass(frozen=True, slots=True)
class SelfImproveResult:
    """What `self_improve` found; printed, and in a notebook, it shows each step and what it took.

    Attributes:
        run_id: the run in the store; of several runs, the id of their series.
        state: `done`, `budget` if the budget ended it, or `stopped`.
        best_improver_id: the improver that stands at the end; of several runs, the best on val.
        data: the whole object of `run --json`.
        store: URL of the store.
        runs: with `repeats`, each run by itself; else empty.
    """

    run_id: str
    state: str
    best_improver_id: str
    data: dict[str, Any]
    store: str = DEFAULT_STORE
    runs: tuple[SelfImproveResult, ...] = ()

    def __repr__(self) -> str:
        if self.runs:
            final = self.data["curve"]["final"]["mean"]
            return (
                f"{type(self).__name__}(runs={len(self.runs)}, final_test={words.plain(final)}, "
                f"state={self.state!r}, series_id={self.run_id!r})"
            )
        comparison = self.data["comparison"]
        return (
            f"{type(self).__name__}(seed_test={words.plain(comparison['seed']['mean'])}, "
            f"final_test={words.plain(comparison['final']['mean'])}, state={self.state!r}, "
            f"best_improver_id={self.best_improver_id!r}, run_id={self.run_id!r})"
        )

    def __str__(self) -> str:
        return as_text(end_page(find_study("run"), self.data, self.store))

    def _repr_html_(self) -> str:
        return fragment(end_page(find_study("run"), self.data, self.store))


def improve_result(data: dict[str, Any], store: str) -> ImproveResult:
    """Of the object of `improve --json`."""
    return ImproveResult(
        run_id=data["run_id"],
        state=data["state"],
        source=data["best"]["source"],
        seed_test=_measured(data["seed"]["test"]),
        best_test=_measured(data["best"]["test"]),
        data=data,
        store=store,
    )


def stop_result(data: dict[str, Any], store: str) -> SelfImproveResult:
    """Of the object of `run --json`, of one run or of several."""
    if "series_id" not in data:
        best_id = data["best_improver_id"]
        return SelfImproveResult(data["run_id"], data["state"], best_id, data, store)
    runs = tuple(stop_result(one, store) for one in data["runs"])
    best = max(runs, key=lambda run: float(run.data["iterations"][-1]["val"]["mean"]))
    return SelfImproveResult(
        data["series_id"], data["state"], best.best_improver_id, data, store, runs
    )


class Stopped(KeyboardInterrupt):
    """Ctrl-C, when all is put away.

    Attributes:
        run_id: the run that was under way; it can be resumed.
        result: the best so far, measured as far as it is; None if there is nothing yet.
    """

    def __init__(
        self, run_id: str, result: ImproveResult | SelfImproveResult | None, go_on: str
    ) -> None:
        super().__init__(f"run {run_id} was stopped; go on with: {go_on}")
        self.run_id = run_id
        self.result = result


def _short(measured: Measured | None) -> str:
    return "None" if measured is None else f"{measured.mean:.4g}"


def _measured(data: dict[str, Any] | None) -> Measured | None:
    if data is None:
        return None
    interval = data["ci95"]
    mean = math.inf if data["mean"] is None else data["mean"]  # a cost, with a failure in it
    return Measured(mean, None if interval is None else tuple(interval), data["n"])
