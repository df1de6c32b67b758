"""Which improver of a run came from which, and what each is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from selftaught.store.reader import Event

LINEAGE_KINDS = ("run", "proposal", "iteration", "meta_evaluation", "invocation")

# Other programs that a run has run as improvers are none of its own: writers, baselines, audits.
_OWN_ROLES = ("inner", "improve")


@dataclass(frozen=True, slots=True)
class Ancestry:
    """An improver and where it came from.

    Attributes:
        t: the step that proposed it first; 0 for one that a run began with.
        parent: id of the improver that wrote it, and that it improves on; None at t = 0.
        accepted: whether it was adopted; None at t = 0.
        reason: why, or why not.
        val, test: meta-utility as `{"mean", "ci95", "n"}`; None where it was not measured.
    """

    improver_id: str
    t: int
    parent: str | None = None
    accepted: bool | None = None
    reason: str = ""
    val: Mapping[str, Any] | None = None
    test: Mapping[str, Any] | None = None


def ancestries(events: Iterable[Event]) -> tuple[Ancestry, ...]:
    """Each improver of a run once, the first first, from its events of `LINEAGE_KINDS`.

    A STOP run's are its seed improver and its proposals; those of another run are the ones that it
    used. A program that was proposed again counts as adopted if it ever was.
    """
    found: dict[str, Ancestry] = {}
    used: list[str] = []
    measured: dict[tuple[str, str], Mapping[str, Any]] = {}
    is_stop = False
    for event in events:
        body = event.body
        if event.kind == "run":
            is_stop = body["command"] == "run"
            first = body.get("improver")
            if first is not None:
                found.setdefault(first, Ancestry(first, 0))
        elif event.kind == "iteration" and body["t"] == 0:
            found.setdefault(body["improver_id"], Ancestry(body["improver_id"], 0))
        elif event.kind == "proposal" and body["improver"] is not None:
            proposed = Ancestry(
                *(body["improver"], body["t"], body["parent"], body["accepted"]),
                reason=body["reason"] or "",
            )
            known = found.setdefault(proposed.improver_id, proposed)
            if known.accepted is False and proposed.accepted:
                found[proposed.improver_id] = proposed
        elif event.kind == "meta_evaluation":
            estimate = {name: body[name] for name in ("mean", "ci95", "n")}
            measured[body["improver"], body["stream"]] = estimate
        elif event.kind == "invocation" and body["role"] in _OWN_ROLES:
            used.append(body["improver"])
    if not is_stop:
        for improver in used:
            found.setdefault(improver, Ancestry(improver, 0))
    return tuple(
        replace(one, val=measured.get((name, "val")), test=measured.get((name, "test")))
        for name, one in found.items()
    )
