"""`run --accept certified`: decided on val instances of its own, and the same after any cut."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from engine_support import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from test_resume import COMPARED, Kept, Once, asked, go, problems, replay, stable
from test_runs import SEED_IMPROVER, answer, stop_once

from journal_support import said
from selftaught.analysis.past import Past
from selftaught.core.budget import Budget
from selftaught.core.errors import ConfigError
from selftaught.core.ports import Sandbox
from selftaught.core.statistics import Estimate
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.journal.codec import Event
from selftaught.journal.events import InvocationEnd
from selftaught.journal.study_events import Certificate, Proposal
from selftaught.models.scripted import Scripted
from selftaught.studies.registry import find_study
from selftaught.studies.replay import Silent

# The better improver is better by 0.1 on each pair: 34 of them are enough for one step, and 48 the
# first look beyond.
CERTIFIED = {"accept": "certified", "certify_pairs": 64}
KINDS = (*COMPARED, "certificate")
SMALL = Budget(samples=54)


def certified(world: World, *journal: Any, **more: Any) -> Once:
    """With a model whose first proposal is the better improver."""
    asked = Requester(Scripted("scripted:answers", answer), AdaptiveLimit(8))
    return go(world, *journal, requesters=[asked], **{**CERTIFIED, **more})


@pytest.fixture(scope="module")
def whole(world: World) -> Once:
    return certified(world)


def test_a_shown_gain_is_adopted_and_said_with_its_estimate_over_the_pairs(whole: Once) -> None:
    proposal = whole.result["iterations"][1]["proposal"]
    assert proposal["accepted"]
    assert proposal["reason"].startswith("shown better: e-value ")
    assert proposal["reason"].endswith(" >= 20 after 48 pairs")
    assert proposal["val_difference"]["mean"] == pytest.approx(0.1)
    assert proposal["val_difference"]["n"] == 48


def test_each_pair_is_on_val_instances_of_its_own_that_nothing_else_is_decided_by(
    whole: Once,
) -> None:
    certificate = next(e.body for e in whole.journal.events if isinstance(e.body, Certificate))
    runs = [
        (one["improver"], one["repeat"])
        for one in whole.journal.of("invocation").values()
        if one["stream"] == "search" and str(one["repeat"]).startswith("val-1-")
    ]
    arms = (certificate.improver, certificate.parent)
    assert sorted(runs) == sorted((arm, f"val-1-{pair}") for arm in arms for pair in range(48))


def test_without_enough_pairs_it_is_refused_and_the_incumbent_stands(world: World) -> None:
    once = certified(world, certify_pairs=24)
    (first, second) = once.result["iterations"]
    assert second["improver_id"] == first["improver_id"]
    assert second["proposal"]["reason"].startswith("not shown better: e-value ")
    assert problems(once.journal) == []


def test_improvers_are_told_nothing_of_what_decides(whole: Once) -> None:
    asked = [one["user"] for one in whole.journal.of("lm_call").values()]
    assert len(asked) > 96
    assert not any("val-" in whole.journal.texts[one] for one in asked)


def test_the_same_is_decided_whatever_the_number_of_slots(
    any_sandbox: Sandbox, tmp_path: Path
) -> None:
    dumps = [
        asyncio.run(stop_once(any_sandbox, tmp_path, slots, **CERTIFIED))[1] for slots in (1, 3)
    ]
    assert "shown better" in dumps[0]
    assert dumps[0] == dumps[1]


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_run_cut_anywhere_decides_the_same(share: float, world: World, whole: Once) -> None:
    cut = round(share * len(whole.journal.events))
    kept = Kept(whole.journal.events[:cut], dict(whole.journal.texts))
    resumed = certified(world, kept.memory(), kept)
    assert stable(resumed.result) == stable(whole.result)
    assert kept.of(*KINDS) == whole.journal.of(*KINDS)
    assert problems(kept) == []


def test_a_replay_decides_the_same_without_a_model(world: World, whole: Once) -> None:
    silent = [Requester(Silent("scripted:answers"), AdaptiveLimit(8))]
    found = replay(world, whole.journal, rescore=False, requesters=silent, **CERTIFIED)
    assert (found["differences"], found["diverged"]) == ([], [])


def test_steps_overlap_only_where_the_budget_covers_the_pairs_too(world: World) -> None:
    # As in test_overlapping_steps: 17 improver runs at most, and 2 x 64 that decide; 2 calls each.
    for calls, overlaps in ((2 * (17 + 128), True), (2 * (17 + 128) - 1, False)):
        once = certified(world, budget=Budget(lm_calls=calls))
        kinds = [
            said(event).get("role", event.kind)
            for event in once.journal.events
            if event.kind in ("invocation", "iteration")
        ]
        assert (kinds.index("proposal") < kinds.index("iteration")) is overlaps


# --- a budget that ends ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cut_short(world: World) -> Once:
    """The last improver run of a pair got 2 of the 4 responses that it asked for."""
    return certified(world, certify_pairs=6, budget=SMALL)


def test_what_an_improver_run_that_the_budget_cut_short_reached_decides_nothing(
    cut_short: Once,
) -> None:
    ends = cut_short.journal.of("invocation_end")
    short = {key for (_, key), end in ends.items() if end.get("short")}
    runs = cut_short.journal.of("invocation")
    assert [runs["invocation", key]["repeat"] for key in short] == ["val-1-0"]
    assert cut_short.result["state"] == "budget"
    assert len(cut_short.result["iterations"]) == 1
    assert not cut_short.journal.of("certificate", "proposal")
    assert problems(cut_short.journal) == []


def test_nor_does_it_after_a_cut_or_in_a_replay(world: World, cut_short: Once) -> None:
    events = cut_short.journal.events
    ended = next(e.seq for e in events if isinstance(e.body, InvocationEnd) and e.body.short)
    kept = Kept(events[: ended + 1], dict(cut_short.journal.texts))
    resumed = certified(world, kept.memory(), kept, certify_pairs=6, budget=SMALL)
    assert resumed.result["state"] == "budget"
    assert not kept.of("certificate", "proposal")
    silent = [Requester(Silent("scripted:answers"), AdaptiveLimit(8))]
    more = {**CERTIFIED, "certify_pairs": 6}
    found = replay(world, cut_short.journal, rescore=False, requesters=silent, **more)
    assert (found["differences"], found["diverged"]) == ([], [])


def test_with_a_raised_budget_it_is_decided_as_with_that_from_the_start(
    world: World, cut_short: Once
) -> None:
    large = Budget(samples=1000)
    whole = certified(world, certify_pairs=6, budget=large)
    kept = Kept([*cut_short.journal.events], dict(cut_short.journal.texts))
    resumed = certified(world, kept.memory(budget=large), kept, certify_pairs=6, budget=large)
    assert resumed.result["iterations"] == whole.result["iterations"]
    assert kept.of("certificate") == whole.journal.of("certificate")
    assert problems(kept) == []


# --- too few pairs --------------------------------------------------------------------------------


def test_as_few_pairs_as_can_show_nothing_are_refused_and_said_how_many_it_takes() -> None:
    study, few = find_study("run"), {"certify_pairs": 5}
    with pytest.raises(ConfigError, match="it takes --certify-pairs 6 at least") as refused:
        study.check(asked(SEED_IMPROVER, 1, Budget(), accept="certified", **few))
    assert "\n" not in str(refused.value)
    study.check(asked(SEED_IMPROVER, 1, Budget(), accept="certified", certify_pairs=6))
    study.check(asked(SEED_IMPROVER, 1, Budget(), accept="strict", **few))


# --- what does not agree with itself ------------------------------------------------------------


def changed(kept: Kept, kind: type[Any], **fields: Any) -> Kept:
    """With another body of a kind."""

    def change(event: Event) -> Event:
        if not isinstance(event.body, kind):
            return event
        return structs.replace(event, body=structs.replace(event.body, **fields))

    return Kept([change(event) for event in kept.events], kept.texts)


def test_pairs_that_were_never_scored_so_are_found(whole: Once) -> None:
    body = next(e.body for e in whole.journal.events if isinstance(e.body, Certificate))
    ones = [*body.values["nearness"]]
    ones[7] = (ones[7][0], 0.25)
    found = problems(changed(whole.journal, Certificate, values={"nearness": tuple(ones)}))
    assert any("in val-1-7 of nearness comes to 0.9" in one for one in map(str, found)), found


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("accepted", False, "its pairs come to shown better"),
        ("reason", "shown better: e-value 99", "its pairs come to shown better"),
        ("val_difference", Estimate(0.2, (0.1, 0.3), 48), "val_difference come to"),
        ("val_difference", None, "has no val_difference"),
        ("parent", "ab" * 16, "pairs of other improvers"),
    ],
)
def test_a_decision_that_its_pairs_do_not_come_to_is_found(
    field: str, value: Any, what: str, whole: Once
) -> None:
    found = problems(changed(whole.journal, Proposal, **{field: value}))
    assert any(what in one for one in map(str, found)), found


@pytest.mark.parametrize(("fields", "is_found"), [({}, True), ({"improver": None}, False)])
def test_a_certified_decision_without_its_certificate_is_found(
    fields: dict[str, Any], is_found: bool, whole: Once
) -> None:
    kept = changed(whole.journal, Proposal, **fields)
    kept.events = [event for event in kept.events if not isinstance(event.body, Certificate)]
    found = [what for _, what in problems(kept)]
    assert ("it was decided without pairs: it has no certificate" in found) is is_found


def test_a_strict_decision_that_does_not_follow_from_val_is_found(world: World) -> None:
    once = certified(world, accept="strict")
    assert once.result["iterations"][1]["proposal"]["accepted"]
    assert problems(once.journal) == []
    found = [what for _, what in problems(changed(once.journal, Proposal, accepted=False))]
    assert "accepted: False, and that is not what its val_difference comes to" in found


def test_events_are_walked_once_however_many_of_them_tell_of_improver_runs(
    whole: Once, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, add = list[Event](), Past._add

    def counted(past: Past, event: Event) -> None:
        read.append(event)
        add(past, event)

    monkeypatch.setattr(Past, "_add", counted)
    assert problems(whole.journal) == []
    assert whole.journal.of("baseline")  # which asks for them, as the certificate does
    assert read == whole.journal.events[: len(read)]
    assert len(read) > len(whole.journal.events) / 2
