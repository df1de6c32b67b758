"""Proposals side by side and an archive: the same whatever is finished first, and after any cut;
and what improvers are told of the past.
"""

from __future__ import annotations

import ast
import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from engine_support import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from test_resume import COMPARED, Kept, Once, Paid, go, problems, replay, stable
from test_runs import SEED_IMPROVER, SEED_PROGRAM, TASK, fenced, stop_once

from selftaught.analysis.improver_past import MOST_BYTES, improver_past
from selftaught.analysis.recorded_run import RecordedRun
from selftaught.analysis.run_head import RunHead
from selftaught.analysis.run_view import run_view
from selftaught.app.compose import run_study
from selftaught.app.discovery import load_task
from selftaught.core.budget import Budget, ImproverLimits, Usage
from selftaught.core.language_model import Completions, Prompt
from selftaught.core.ports import Sandbox
from selftaught.core.statistics import Estimate
from selftaught.engine.describe import describe_meta_utility
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.requests import Requester
from selftaught.journal.codec import Event
from selftaught.journal.events import Evaluation, Invocation, InvocationEnd, Run
from selftaught.journal.reader import open_reader
from selftaught.journal.study_events import Iteration, MetaEvaluation, Proposal
from selftaught.pages.terminal import as_text
from selftaught.studies.improvers import load_improver
from selftaught.studies.registry import studies
from selftaught.studies.settings import make_config
from selftaught.studies.stop.page import page
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked
from selftaught.studies.verify import verify_store

KINDS = (*COMPARED, "certificate")
# Of levels 0 to 3: what one of level L is answered adds L, where adding 3 is best.
LEVEL = SEED_IMPROVER.replace("Ask once", "Ask at level 0").replace("Improve:", "Improve 0:")


@dataclass
class Levels(Paid):
    """Its proposals for an improver are of its level, of one above or one below, with a number."""

    async def sample(self, prompt: Prompt) -> Completions:
        self.served.append((prompt.user, prompt.seeds))
        await asyncio.sleep(0)
        level = int(prompt.user.removeprefix("Improve ")[0])
        texts = [fenced(self.text(prompt.user, level, seed)) for seed in prompt.seeds]
        usage = Usage(requests=1, samples=prompt.n, tokens_in=1, tokens_out=prompt.n)
        return Completions(tuple(texts), usage, self.name, 1e-6 * (1 + prompt.n))

    def text(self, asked: str, level: int, seed: int) -> str:
        if "improve_algorithm" not in asked:
            return SEED_PROGRAM.replace("return x", f"return x + {level}")
        shown = asked.partition("\n")[2].partition("\n# {")[0]
        of = int(shown.partition("level ")[2][0])
        new = max(0, min(3, of + seed % 3 - 1))
        named = shown.replace(f"level {of}", f"level {new}").replace(f"e {of}:", f"e {new}:")
        return f"{named}# {seed % 5}\n"


def run(world: World, *journal: Any, improver: str = LEVEL, **more: Any) -> Once:
    model = [Requester(Levels(), AdaptiveLimit(8))]
    return go(world, *journal, improver=improver, requesters=model, **more)


THREE = {"proposals": 3, "iterations": 3, "accept": "strict"}


def test_certified_proposals_side_by_side_are_decided_the_same_with_1_2_and_4_slots(
    any_sandbox: Sandbox, tmp_path: Path
) -> None:
    config = {"proposals": 3, "accept": "certified", "certify_pairs": 12}
    found = [asyncio.run(stop_once(any_sandbox, tmp_path, slots, **config)) for slots in (1, 2, 4)]
    reasons = [one["reason"] for one in found[0][0]["iterations"][1]["proposals"]]
    assert len(reasons) == 3
    assert all(" < 60 after " in reason for reason in reasons), "1 / (5 % over 3 decisions)"
    assert all(f'"val-{number}-1"' in found[0][1] for number in (1, 2, 3)), "pairs of their own"
    assert len({dump for _, dump in found}) == 1


@pytest.fixture(scope="module", params=["latest", "best", "thompson", "novel"])
def archived(request: pytest.FixtureRequest, world: World) -> tuple[dict[str, Any], Once]:
    config = {**THREE, "select": request.param}
    return config, run(world, **config)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_run_cut_anywhere_goes_on_to_the_same_archive(
    share: float, world: World, archived: tuple[dict[str, Any], Once]
) -> None:
    config, whole = archived
    cut = round(share * len(whole.journal.events))
    kept = Kept(whole.journal.events[:cut], dict(whole.journal.texts))
    resumed = run(world, kept.memory(), kept, **config)
    assert stable(resumed.result) == stable(whole.result)
    assert kept.of(*KINDS) == whole.journal.of(*KINDS)
    assert problems(kept) == []


def test_a_replay_comes_to_the_same_archive(
    world: World, archived: tuple[dict[str, Any], Once]
) -> None:
    config, whole = archived
    found = replay(world, whole.journal, LEVEL, rescore=False, **config)
    assert (found["differences"], found["diverged"]) == ([], [])


def test_every_proposal_is_recorded_and_the_best_on_val_is_the_result(
    archived: tuple[dict[str, Any], Once],
) -> None:
    config, whole = archived
    events = whole.journal.events
    proposals = [event.body for event in events if isinstance(event.body, Proposal)]
    assert [(one.t, one.k) for one in proposals] == [(t, k) for t in (1, 2, 3) for k in range(3)]
    val = {
        event.body.improver: event.body.mean
        for event in events
        if isinstance(event.body, MetaEvaluation) and event.body.stream == "val"
    }
    first = whole.result["iterations"][0]["improver_id"]
    adopted = {first, *(one.improver for one in proposals if one.accepted)}
    if config["select"] != "latest":
        assert val[whole.result["best_improver_id"]] == max(val[one or ""] for one in adopted)
    assert whole.result["best_improver_id"] in adopted
    assert len(adopted) > 2


def test_a_result_that_is_not_the_best_of_the_archive_is_found(world: World) -> None:
    once = run(world, **THREE, select="best")
    kept = Kept(list(once.journal.events), once.journal.texts)
    place, last = max(
        (place, event.body)
        for place, event in enumerate(kept.events)
        if isinstance(event.body, Iteration)
    )
    (first,) = {
        e.body.improver_id for e in kept.events if isinstance(e.body, Iteration) and not e.body.t
    }
    assert last.improver_id != first
    body = structs.replace(last, improver_id=first)
    kept.events[place] = structs.replace(kept.events[place], body=body)
    assert any("is the best on val of all that was adopted" in said for _, said in problems(kept))


def recorded(kept: Kept) -> RecordedRun:
    (head,) = (event.body for event in kept.events if isinstance(event.body, Run))
    return RecordedRun(RunHead("run", head, head, None), kept.events, kept.texts.get)


def test_a_lineage_shows_each_proposal_with_all_its_parents(
    archived: tuple[dict[str, Any], Once],
) -> None:
    _, whole = archived
    shown_run = recorded(whole.journal)
    shown = run_view(shown_run).as_json()["proposals"]
    said = [event.body for event in whole.journal.events if isinstance(event.body, Proposal)]
    assert [one["parents"] for one in shown] == [
        [text for text in (one.parent, one.proposer) if text] for one in said
    ]
    drawn = as_text(page(whole.result, shown_run))
    for place in ("1.1", "1.2", "1.3", "2.3"):
        assert place in drawn


def test_steps_overlap_only_where_the_budget_covers_all_their_proposals(world: World) -> None:
    # 4 improver runs measure t = 0; each of 3 proposals is one, asks for 6 and is measured on val
    # in 2; what stands takes 2 on test, and the end twice as many. Each makes 2 calls at most.
    covered = 2 * (3 * (1 + 6 + 2) + 2 + 2 * 2 + 2)
    for calls, overlaps in ((covered + 8, True), (covered - 1, False)):
        once = run(world, budget=Budget(lm_calls=calls), proposals=3)
        kinds = [
            event.body.role if isinstance(event.body, Invocation) else event.kind
            for event in once.journal.events
        ]
        assert (kinds.index("proposal") < kinds.index("iteration")) is overlaps


# --- history() ----------------------------------------------------------------------------------

REMEMBERING = LEVEL.replace("extract_code\n", "extract_code, history\n").replace(
    "initial_solution, n_", 'initial_solution + "\\n# " + repr(history()), n_'
)
TOLD = {"history": True, "iterations": 3, "accept": "strict", "proposals": 2}


@pytest.fixture(scope="module")
def remembering(world: World) -> Once:
    return run(world, improver=REMEMBERING, **TOLD)


def told(kept: Kept) -> list[dict[str, Any]]:
    """What each proposal's improver has read."""
    proposers = {
        event.key
        for event in kept.events
        if isinstance(event.body, Invocation) and event.body.role == "proposal"
    }
    texts = [
        kept.texts[event.body.user]
        for event in kept.events
        if event.kind == "lm_call" and event.body.invocation in proposers
    ]
    return [ast.literal_eval(text.rpartition("\n# ")[2]) for text in texts]


def test_an_improver_reads_what_the_one_that_it_improves_did_on_search(world: World) -> None:
    nothing_adopted = {**TOLD, "accept": "certified", "certify_pairs": 8}
    first, *_, last = told(run(world, improver=REMEMBERING, **nothing_adopted).journal)
    (own,) = first["runs"]
    assert own["task"] == "nearness"
    assert own["outcome"] == "returned"
    assert own["calls"] == 1
    assert own["samples"] == 4
    assert 0 < own["scored"] <= 5
    assert own["asked"][0].startswith("Improve 0:\ndef algorithm(x)")
    values = [value for _, value in own["best"]]
    assert values == sorted(values)
    assert first["search"] == values[-1]
    assert first["proposals"] == []
    assert len(last["proposals"]) == 4
    assert any("-" in one["changes"] for one in last["proposals"])
    assert not any(one["adopted"] for one in last["proposals"])
    assert all(one["failed"] is None for one in last["proposals"])


def test_what_it_reads_holds_no_value_of_val_or_test(remembering: Once) -> None:
    """Whatever those were, the same is told."""
    kept = remembering.journal
    marked = 0.4242

    def changed(event: Event) -> Event:
        body: Any = event.body
        mark = Estimate(marked, (marked, marked), 7)
        match body:
            case Evaluation(stream=stream, repeat=repeat) if not (
                stream == "search" and repeat.startswith("search-")
            ):
                body = structs.replace(body, value=marked, feedback=str(marked))
            case MetaEvaluation(stream=stream) if stream != "search":
                body = structs.replace(body, mean=marked, values={"nearness": (marked,)})
            case Proposal() if body.improver is not None:
                body = structs.replace(body, val_difference=mark, reason=f"by {marked}")
            case Iteration():
                body = structs.replace(body, val=mark, test=mark)
        return structs.replace(event, body=body)

    other = Kept([changed(event) for event in kept.events], kept.texts)
    improvers = {event.body.parent for event in kept.events if isinstance(event.body, Proposal)}
    for improver in improvers:
        past = improver_past(recorded(kept), improver)
        assert past["runs"]
        assert past == improver_past(recorded(other), improver)
        assert str(marked) not in json.dumps(past)


def test_what_it_reads_is_data_of_a_bounded_size(remembering: Once) -> None:
    kept = remembering.journal
    (proposal, *_) = (event for event in kept.events if isinstance(event.body, Proposal))
    long = "x = 1\n" * 500
    body = structs.replace(proposal.body, improver="long")
    many = [structs.replace(proposal, key=str(n), body=body) for n in range(200)]
    shown_run = recorded(Kept([*kept.events, *many], {**kept.texts, "long": long}))
    past = improver_past(shown_run, proposal.body.parent)
    assert 0 < len(past["proposals"]) < 200
    assert MOST_BYTES // 2 < len(json.dumps(past)) <= MOST_BYTES


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_run_cut_anywhere_tells_the_same_past(
    share: float, world: World, remembering: Once
) -> None:
    whole = remembering.journal
    kept = Kept(whole.events[: round(share * len(whole.events))], dict(whole.texts))
    resumed = run(world, kept.memory(), kept, improver=REMEMBERING, **TOLD)
    assert stable(resumed.result) == stable(remembering.result)
    assert kept.of(*KINDS) == whole.of(*KINDS)
    assert problems(kept) == []


def test_a_replay_tells_the_same_past(world: World, remembering: Once) -> None:
    found = replay(world, remembering.journal, rescore=False, improver=REMEMBERING, **TOLD)
    assert (found["differences"], found["diverged"]) == ([], [])


def test_without_the_option_there_is_nothing_to_read_and_no_word_of_it(world: World) -> None:
    once = run(world, improver=REMEMBERING)
    found = told(once.journal)
    assert found
    assert all(one == {"search": None, "runs": [], "proposals": []} for one in found)
    described = describe_meta_utility([TASK], {"search": 1}, ImproverLimits())
    assert "history" not in described
    assert "history()" in describe_meta_utility(
        [TASK], {"search": 1}, ImproverLimits(), history=True
    )


# --- STOP from evolve ---------------------------------------------------------------------------


def test_stop_begins_with_evolve_as_with_the_seed_improver(
    any_sandbox: Sandbox, tmp_path: Path
) -> None:
    limits = {"calls": 2, "samples_per_call": 2, "utility_uses": 4}
    settings = {
        **{"tasks": ("flow_shop",), "iterations": 1, "improver": "evolve", "seed": 5},
        **{"runs": {"search": 1, "val": 2, "test": 2}, "limits": limits, "proposals": 2},
        **{"tier": any_sandbox.tier, "store": f"sqlite:///{tmp_path}/store.db"},
    }
    config = make_config(RunConfig, settings)
    asked = Asked(config, [load_task("flow_shop")], load_improver("evolve"))
    result = asyncio.run(run_study(asked))
    assert result["state"] == "done"
    assert result["iterations"][0]["improver_id"] == load_improver("evolve").id
    with open_reader(config.store) as reader:
        events = list(reader.events(result["run_id"]))
        assert verify_store(reader, studies()).findings == ()
    roles = {e.key: e.body.role for e in events if isinstance(e.body, Invocation)}
    ends = {e.key: e.body for e in events if isinstance(e.body, InvocationEnd)}
    proposers = [ends[key] for key, role in roles.items() if role == "proposal"]
    assert len(proposers) == 2
    for end in proposers:
        assert end.outcome == "returned"
        assert 0 < end.usage.samples <= 4
        assert 1 < end.utility_uses <= 4
    # The baseline is restarted to as many samples as the final improver drew on test.
    (baseline,) = (e.body for e in events if e.kind == "baseline")
    assert baseline.samples == baseline.final_samples
