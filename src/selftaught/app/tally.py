"""How far a run has come, summed up from what it tells."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from selftaught.core.progress import Progress
from selftaught.pages import words

COMPARISON = "comparison"


@dataclass(slots=True)
class Tally:
    """Counts of one run, fed on the core's thread and read on any other.

    Attributes:
        run_id: None until the run has started.
        best: of `improve`, the best values on search, each better than the one before; the first
            is the seed's.
        waiting: requests to the model that are under way.
        waiting_since_s: when there were none, or one was answered last.
        answered_s, tokens_out: how long requests were under way, and what they brought.
        heard_s: when anything was told last.
    """

    started_s: float = field(default_factory=time.monotonic)
    run_id: str | None = None
    head: Mapping[str, Any] = field(default_factory=dict)
    iterations: list[Mapping[str, Any]] = field(default_factory=list)
    phase: str = ""
    state: str = ""
    best: list[float] = field(default_factory=list)
    running: int = 0
    ended: int = 0
    ended_failed: int = 0
    scored: int = 0
    scored_failed: int = 0
    model_calls: int = 0
    samples: int = 0
    usd: float = 0.0
    requests_failed: int = 0
    waiting: int = 0
    waiting_since_s: float = 0.0
    answered_s: float = 0.0
    tokens_out: int = 0
    heard_s: float = field(default_factory=time.monotonic)
    notices: list[str] = field(default_factory=list)

    @property
    def steps(self) -> int | None:
        """How many steps of Algorithm 1 the run is to make; None of other studies."""
        steps: int | None = self.head.get("config", {}).get("iterations")
        return steps

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started_s

    @property
    def tokens(self) -> str:
        """What the model brings, and how fast; empty before it has."""
        if not self.tokens_out:
            return ""
        a_second = self.tokens_out / max(self.answered_s, 0.001)
        return f"{self.tokens_out:,} tokens, {a_second:,.0f} a second"

    def limit(self, resource: str) -> float | None:
        """The run's budget of a resource, or None."""
        budget: Mapping[str, Any] = self.head.get("config", {}).get("budget", {})
        limit: float | None = budget.get(resource)
        return limit

    def add(self, progress: Progress) -> None:
        """Count one event; kinds that are not known here are passed over."""
        facts = progress.facts
        self.heard_s = time.monotonic()
        match progress.kind:
            case "run_started":
                self.run_id, self.head = facts["run_id"], facts
                # Another run of a series begins anew; what is spent is spent for all, also
                # what was spent before a run that goes on was cut.
                self.iterations, self.phase, self.state = [], "", ""
                spent = facts["spent"]
                self.model_calls, self.samples = spent["lm_calls"], spent["samples"]
                self.usd = spent["usd"]
            case "improver_run_started":
                self.running += 1
            case "improver_run_ended":
                self.running -= 1
                self.ended += 1
                self.ended_failed += bool(facts["failed"])
            case "improver_run_cut":
                self.running -= 1
            case "candidate_scored":
                self.scored += 1
                self.scored_failed += facts["outcome"] != "scored"
            case "model_asked":
                self.waiting_since_s = self.waiting_since_s if self.waiting else self.heard_s
                self.waiting += 1
            case "model_answered" | "model_failed":
                self.waiting -= 1
                self.answered_s += self.heard_s - self.waiting_since_s
                self.waiting_since_s = self.heard_s
                if progress.kind == "model_answered":  # of others the worst may be counted
                    self.tokens_out += facts["tokens_out"]
                self.model_calls += facts["lm_calls"]
                self.samples += facts["samples"]
                self.usd += facts["usd"]
                self.requests_failed += progress.kind == "model_failed"
            case "notice":
                self.notices.append(facts["detail"])
            case "iteration":
                self.iterations.append(facts)
            case "phase":
                self.phase = facts["name"]
            case "run_ended":
                self.state = facts["state"]
            case "best":
                self.best.append(facts["value"])


def title(head: Mapping[str, Any]) -> str:
    """What a run is, in a line."""
    tasks = "".join(f" {task['name']}," for task in head["tasks"]).rstrip(",")
    series = head.get("series")
    place = f", {words.place(series)}" if series else ""
    at_once = words.counted(head["at_once"], "program")
    return (
        f"{head['command']}{tasks}{place}; model {head['model']}; sandbox {head['tier']}; "
        f"{at_once} scored at once"
    )
