"""A run that was cut anywhere goes on to the same end, and a replay comes to the same events."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pytest
from engine_support import World
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from test_runs import SEED_IMPROVER, TASK, answer

from journal_support import event, said
from selftaught.app.tally import Tally
from selftaught.core.budget import Budget, ImproverLimits, Usage
from selftaught.core.language_model import Completions, Prompt
from selftaught.core.program import IMPROVER_ENTRY, Program, content_id
from selftaught.core.progress import Progress
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.engine.charged_call import ChargedCall
from selftaught.engine.context import RunContext
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.history import History, Memory, Replay
from selftaught.engine.ledger import Ledger
from selftaught.engine.limit import AdaptiveLimit
from selftaught.engine.recall import recall
from selftaught.engine.requests import Requester
from selftaught.journal.codec import Body, Event, decode, encode
from selftaught.studies.registry import find_study, studies
from selftaught.studies.replay import ReplayJournal, Silent, compared, replayed
from selftaught.studies.settings import make_config
from selftaught.studies.stop.study import RunConfig
from selftaught.studies.study import Asked, NothingMeasured
from selftaught.studies.verified_run import run_problems
from study_support import studied

COMPARED = ("invocation_end", "evaluation", "meta_evaluation", "proposal", "iteration")


@dataclass
class Paid:
    """A model that costs money and counts the responses that it gave."""

    name: str = "paid:model"
    samples_per_request: int = 3
    served: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def most_usd(self, tokens_in: int, tokens_out: int) -> float | None:
        return 1e-6 * (tokens_in + tokens_out)

    async def sample(self, prompt: Prompt) -> Completions:
        self.served.append((prompt.user, prompt.seeds))
        await asyncio.sleep(0)
        texts = tuple(answer(replace(prompt, n=99)))
        chosen = tuple(texts[seed % len(texts)] for seed in prompt.seeds)
        usage = Usage(requests=1, samples=prompt.n, tokens_in=1, tokens_out=prompt.n)
        return Completions(chosen, usage, self.name, 1e-6 * (1 + prompt.n))

    async def aclose(self) -> None:
        """Nothing is held."""


@dataclass
class Kept:
    """A journal in memory, whose events can be cut anywhere."""

    events: list[Event] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def append(self, run_id: str, body: Body, key: str, texts: Sequence[str] = ()) -> None:
        seq = len(self.events)
        self.events.append(Event(seq, run_id, key, float(seq), decode(body.kind, encode(body))))
        self.texts |= {content_id(text): text for text in texts}

    async def flush(self, *, durable: bool = False) -> None:
        await asyncio.sleep(0)

    async def aclose(self) -> None:
        """Nothing is held."""

    def memory(
        self,
        length: int | None = None,
        *,
        everything: bool = False,
        budget: Budget | None = None,
    ) -> Memory:
        def find(text_ids: Collection[str]) -> dict[str, str]:
            return {text_id: self.texts[text_id] for text_id in text_ids}

        return recall(self.events[:length], find, everything=everything, budget=budget)

    def of(self, *kinds: str) -> dict[tuple[str, str], Any]:
        volatile = ("cpu_s", "tier", "usage")
        return {
            (event.kind, event.key): {k: v for k, v in said(event).items() if k not in volatile}
            for event in self.events
            if event.kind in kinds
        }


@dataclass
class Once:
    """A run of a small STOP study, or a part of one."""

    result: dict[str, Any]
    journal: Kept
    model: Paid
    context: RunContext
    told: list[Progress]

    def tally(self) -> Tally:
        """What is shown of it at its end."""
        tally = Tally()
        for progress in self.told:
            tally.add(progress)
        return tally


def go(
    world: World,
    memory: Memory | None = None,
    journal: Kept | None = None,
    improver: str = SEED_IMPROVER,
    budget: Budget | None = None,
    iterations: int = 1,
    requesters: Sequence[Requester] | None = None,
    **more: Any,
) -> Once:
    memory, journal = memory or Memory(), journal or Kept()
    model, told = Paid(), list[Progress]()
    context = RunContext(
        run_id="run",
        seed=7,
        limits=ImproverLimits(calls=2, samples_per_call=4, utility_uses=6, cpu_s=20.0),
        max_tokens=100,
        requesters=requesters or [Requester(model, AdaptiveLimit(8))],
        executor=world.executor,
        evaluator=Evaluator(world.executor, 7, PUBLIC_KEY),
        journal=journal,
        ledger=Ledger(budget or Budget(), usage=memory.usage),
        listener=told.append,
        history=History(memory),
    )
    study = asked(improver, iterations, budget or Budget(), **more)
    result = world.run(studied(context, study, list(journal.events), journal.texts.get))
    return Once(result, journal, model, context, told)


def asked(improver: str, iterations: int, budget: Budget, **more: Any) -> Asked[RunConfig]:
    settings = {
        **{"iterations": iterations, "accept": "paper", "budget": asdict(budget)},
        "runs": {"search": 1, "val": 2, "test": 2},
        **more,
    }
    config = make_config(RunConfig, settings)
    return Asked(config, [TASK], Program(improver, IMPROVER_ENTRY))


@pytest.fixture(scope="module")
def whole(world: World) -> Once:
    return go(world)


def stable(result: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in result.items() if k not in ("wall_s", "usage", "run_id")}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_any_prefix_of_a_journal_resumes_to_the_same_end(
    share: float, world: World, whole: Once
) -> None:
    length = round(share * len(whole.journal.events))
    kept = Kept(list(whole.journal.events[:length]), dict(whole.journal.texts))
    memory = kept.memory()
    before = {said(event)["request"] for event in kept.events if event.kind == "lm_answer"}
    resumed = go(world, memory, kept)
    assert stable(resumed.result) == stable(whole.result)
    assert kept.of(*COMPARED) == whole.journal.of(*COMPARED)
    # What the journal holds is not asked again; what was under way is, and counts twice.
    answered = sum(event.kind == "lm_answer" for event in whole.journal.events[:length])
    assert len(resumed.model.served) == len(whole.model.served) - answered
    usage = resumed.result["usage"]
    assert usage["requests"] == len(whole.model.served) + len(memory.open_requests)
    assert usage["lm_calls"] == whole.result["usage"]["lm_calls"]
    assert before <= {0, 1}
    assert not kept.of("diverged")


@dataclass
class Counting(Paid):
    """A model that never says the same twice."""

    first: int = 0

    async def sample(self, prompt: Prompt) -> Completions:
        self.served.append((prompt.user, prompt.seeds))
        await asyncio.sleep(0)
        texts = (f"answer {self.first + len(self.served)}",)
        return Completions(texts, Usage(requests=1, samples=1, tokens_in=1), self.name, 1e-6)


@pytest.mark.parametrize("kept_answers", range(5))
def test_equal_prompts_get_their_own_recorded_answers_after_a_resume(
    kept_answers: int, world: World
) -> None:
    def ask(journal: Kept, model: Counting) -> list[str]:
        memory = journal.memory()
        context = RunContext(
            run_id="run",
            seed=7,
            limits=ImproverLimits(),
            max_tokens=100,
            requesters=[Requester(model, AdaptiveLimit(8))],
            executor=world.executor,
            evaluator=Evaluator(world.executor, 7, PUBLIC_KEY),
            journal=journal,
            ledger=Ledger(Budget(), usage=memory.usage),
            history=History(memory),
        )

        async def draw() -> list[str]:
            drawn: list[str] = []
            for _ in range(5):
                found = await ChargedCall(context, "improver run", set()).draw(
                    Prompt("expert", ""), {"the same": 1}
                )
                drawn += found["the same"]
            return drawn

        return asyncio.run(draw())

    kept = Kept()
    first = ask(kept, Counting())
    ends = [place for place, event in enumerate(kept.events) if event.kind == "lm_answer"]
    kept.events = kept.events[: ends[kept_answers] + 1]
    model = Counting(first=100)
    again = ask(kept, model)
    assert first == [f"answer {number}" for number in range(1, 6)]
    assert again[: kept_answers + 1] == first[: kept_answers + 1]
    assert len(set(again)) == 5
    assert len(model.served) == 4 - kept_answers


def test_the_ledger_of_a_resumed_run_begins_with_what_was_spent(whole: Once) -> None:
    events = whole.journal.events
    last_answer = max(event.seq for event in events if event.kind == "lm_answer")
    memory = whole.journal.memory(last_answer)  # cut before the last answer
    assert len(memory.open_requests) == 1
    reserved = memory.open_requests[0].reserved
    assert reserved.requests == 1
    assert reserved.tokens_out >= 100
    assert memory.usage.requests == len(whole.model.served)


@pytest.mark.parametrize("share", [0.0, 0.4, 0.9])
def test_what_is_shown_of_a_resumed_run_is_what_counts_against_its_budget(
    share: float, world: World, whole: Once
) -> None:
    length = round(share * len(whole.journal.events))
    kept = Kept(list(whole.journal.events[:length]), dict(whole.journal.texts))
    before = kept.memory().usage
    resumed = go(world, kept.memory(), kept)
    spent = resumed.told[0].facts["spent"]
    assert (spent["lm_calls"], spent["samples"]) == (before.lm_calls, before.samples)
    assert spent["tokens"] == before.tokens_in + before.tokens_out
    tally, usage = resumed.tally(), resumed.result["usage"]
    assert (tally.model_calls, tally.samples) == (usage["lm_calls"], usage["samples"])
    assert tally.usd == pytest.approx(usage["usd"])


def test_no_improver_run_is_shown_as_running_when_the_budget_has_cut_it(world: World) -> None:
    cut = go(world, budget=Budget(lm_calls=6))
    assert cut.result["state"] == "budget"
    assert any(progress.kind == "improver_run_cut" for progress in cut.told)
    assert cut.tally().running == 0


def test_a_cut_request_is_closed_at_what_it_may_have_cost(world: World, whole: Once) -> None:
    last_answer = max(e.seq for e in whole.journal.events if e.kind == "lm_answer")
    kept = Kept(list(whole.journal.events[:last_answer]), dict(whole.journal.texts))
    (cut,) = kept.memory().open_requests
    go(world, kept.memory(), kept)
    closed = [said(e) for e in kept.events if e.kind == "lm_answer" and e.key == cut.key]
    assert closed[-2]["state"] == "cut"
    assert closed[-2]["cost_usd"] == cut.reserved.usd > 0
    assert closed[-1]["state"] == "answered"
    assert closed[-1]["request"] == cut.number + 1


# --- replay -------------------------------------------------------------------------------------


def replay(
    world: World,
    journal: Kept,
    improver: str = SEED_IMPROVER,
    *,
    rescore: bool,
    iterations: int = 1,
    requesters: Sequence[Requester] | None = None,
    **more: Any,
) -> Any:
    again = ReplayJournal()
    memory = journal.memory(everything=True)
    context = RunContext(
        run_id="run",
        seed=7,
        limits=ImproverLimits(calls=2, samples_per_call=4, utility_uses=6, cpu_s=20.0),
        max_tokens=100,
        requesters=requesters or [Requester(Silent("paid:model"), AdaptiveLimit(8))],
        executor=world.executor,
        evaluator=Evaluator(world.executor, 7, PUBLIC_KEY),
        journal=again,
        ledger=Ledger(Budget(), usage=memory.usage),
        history=Replay(memory, rescores=rescore),
    )
    scores = [event for event in journal.events if event.kind == "evaluation"]
    study = asked(improver, iterations, Budget(), **more)
    again_studied = studied(context, study, scores, journal.texts.get, writes_head=False)
    world.run(replayed(again_studied))
    return compared(find_study("run"), journal.events, again, rescored=rescore)


@pytest.mark.parametrize("rescore", [False, True])
def test_a_replay_comes_to_the_same_events_and_asks_no_model(
    rescore: bool, world: World, whole: Once
) -> None:
    found = replay(world, whole.journal, rescore=rescore)
    assert found["differences"] == []
    assert found["diverged"] == []
    assert found["events"]["invocation_end"] == len(whole.journal.of("invocation_end"))
    assert found["events"].get("evaluation", 0) == (
        len(whole.journal.of("evaluation")) if rescore else 0
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_replay_of_a_run_that_was_cut_comes_to_all_that_the_journal_holds(
    share: float, world: World, whole: Once
) -> None:
    length = round(share * len(whole.journal.events))
    cut = Kept(list(whole.journal.events[:length]), dict(whole.journal.texts))
    found = replay(world, cut, rescore=False)
    assert (found["differences"], found["diverged"]) == ([], [])


def test_a_replay_of_a_run_that_its_budget_ended_ends_there(world: World) -> None:
    ended = go(world, budget=Budget(lm_calls=6))
    assert ended.result["state"] == "budget"
    found = replay(world, ended.journal, rescore=False)
    assert found["diverged"] == []
    assert found["differences"] == []


def test_rescoring_shows_a_score_that_is_another_now(world: World, whole: Once) -> None:
    events = [*whole.journal.events]
    index = next(i for i, e in enumerate(events) if e.kind == "evaluation" and said(e)["value"])
    events[index] = event("evaluation", said(events[index]) | {"value": 0.125}, events[index].key)
    found = replay(world, Kept(events, whole.journal.texts), rescore=True)
    changed = [one for one in found["differences"] if one["kind"] == "evaluation"]
    assert [one["before"]["value"] for one in changed] == [0.125]


# --- a budget that is raised --------------------------------------------------------------------

STEPS = 2


@pytest.fixture(scope="module")
def longer(world: World) -> Once:
    """A run of two steps that nothing limits."""
    return go(world, budget=Budget(samples=10_000), iterations=STEPS)


def problems(kept: Kept) -> list[Any]:
    return run_problems("run", kept.events, kept.texts.get, kept.texts.__contains__, studies())


@pytest.mark.parametrize(
    ("resource", "share", "cut"),
    [("samples", 0.55, False), ("samples", 0.9, True), ("usd", 0.75, False)],
)
def test_a_run_whose_budget_was_raised_comes_to_what_the_larger_one_comes_to_from_the_start(
    resource: str, share: float, cut: bool, world: World, longer: Once
) -> None:
    took = longer.result["usage"][resource]
    limit = int(share * took) if resource == "samples" else share * took
    kept, small = Kept(), Budget(**{resource: limit})
    try:
        ended = go(world, journal=kept, budget=small, iterations=STEPS)
        assert ended.result["state"] == "budget" or ended.result["comparison"]["seed_restarted"]
    except NothingMeasured:
        pass
    if cut:  # killed as it closed
        del kept.events[-2:]
    served = sum(one.kind == "lm_answer" for one in kept.events)
    large = Budget(samples=10_000)
    resumed = go(world, kept.memory(budget=large), kept, budget=large, iterations=STEPS)
    assert stable(resumed.result) == stable(longer.result)
    assert not kept.of("diverged")
    assert problems(kept) == []
    found = replay(world, kept, rescore=True, iterations=STEPS)
    assert (found["differences"], found["diverged"]) == ([], [])
    # Nothing is paid twice: all that was answered before is a part of what was served in all.
    asked = [(e.key, place) for e in kept.events if e.kind == "lm_call" for place in _places(e)]
    assert len(asked) == len(set(asked))
    assert served + len(resumed.model.served) == resumed.result["usage"]["requests"]
    # Killed after the raise, it goes on to the same.
    again = Kept(kept.events[:-3], dict(kept.texts))
    third = go(world, again.memory(), again, budget=large, iterations=STEPS)
    assert stable(third.result) == stable(longer.result)
    assert third.model.served == []


def _places(call: Event) -> range:
    body = said(call)
    return range(body["place"], body["place"] + body["n"])


def test_what_follows_from_an_improver_run_that_its_budget_gave_too_little_is_done_again(
    world: World, longer: Once
) -> None:
    kept = Kept()
    ended = go(world, journal=kept, budget=Budget(samples=15), iterations=STEPS)
    assert ended.result["state"] == "budget"
    short = {e.key for e in kept.events if e.kind == "invocation_end" and said(e).get("short")}
    assert len(short) == 1  # it got 3 of 4 responses, and t = 0 was measured with that
    assert short <= set(kept.memory().runs)
    large = Budget(samples=10_000)
    assert short.isdisjoint(kept.memory(budget=large).runs)
    resumed = go(world, kept.memory(budget=large), kept, budget=large, iterations=STEPS)
    assert stable(resumed.result) == stable(longer.result)
    assert problems(kept) == []
    found = replay(world, kept, rescore=True, iterations=STEPS)
    assert (found["differences"], found["diverged"]) == ([], [])


# --- divergence ---------------------------------------------------------------------------------

# What no seed fixes: the address of a new object, which differs from guest to guest.
RACES = SEED_IMPROVER.replace('"Improve:\\n"', '"Improve (%d):\\n" % (id(object()) >> 4)').replace(
    "import extract_code", "import extract_code\nimport threading"
)
CLOCKED = SEED_IMPROVER.replace('"Improve:\\n"', 'f"Improve at {time.time()}:\\n"').replace(
    "import extract_code", "import extract_code\nimport time"
)
THREADS = '''\
"""Ask from two threads, and tell each other what came first."""
import threading
from helpers import extract_code


def improve_algorithm(initial_solution, utility, language_model):
    order = []

    def ask(name):
        text = language_model.prompt("expert", name, n_responses=1)[0]
        order.append((name, text))

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return initial_solution + "\\n# " + ",".join(name for name, _ in order)
'''


def test_a_program_that_asks_something_else_the_second_time_is_told_as_diverged(
    world: World,
) -> None:
    original = go(world, improver=RACES)
    calls = [e for e in original.journal.events if e.kind == "lm_call"]
    # Cut in the first improver run, after its answer: the run is open, and starts again.
    cut = next(
        e.seq
        for e in original.journal.events
        if e.kind == "lm_answer" and said(e)["invocation"] == said(calls[0])["invocation"]
    )
    events = []
    for one in original.journal.events[: cut + 1]:
        # As if its prompt had been another.
        is_of_prompt = one.kind in ("lm_call", "lm_answer")
        events.append(structs.replace(one, key="f" * 20) if is_of_prompt else one)
    kept = Kept(events, dict(original.journal.texts))
    resumed = go(world, kept.memory(), kept, improver=RACES)
    assert resumed.result["state"] == "done"
    diverged = kept.of("diverged")
    assert len(diverged) >= 1
    assert all("did not ask again" in body["detail"] for body in diverged.values())


def test_a_program_that_tells_the_model_the_time_replays_and_resumes_exactly(world: World) -> None:
    original = go(world, improver=CLOCKED)
    assert len({prompt for prompt, _ in original.model.served}) > 1
    assert original.journal.of("clock")
    found = replay(world, original.journal, CLOCKED, rescore=False)
    assert (found["differences"], found["diverged"]) == ([], [])
    last_answer = max(e.seq for e in original.journal.events if e.kind == "lm_answer")
    kept = Kept(list(original.journal.events[: last_answer + 1]), dict(original.journal.texts))
    resumed = go(world, kept.memory(), kept, improver=CLOCKED)
    assert resumed.model.served == []
    assert stable(resumed.result) == stable(original.result)
    assert not kept.of("diverged")


def test_a_replay_of_threads_goes_on_with_what_the_journal_says(world: World) -> None:
    original = go(world, improver=THREADS)
    found = replay(world, original.journal, THREADS, rescore=False)
    assert found["differences"] == []  # each run's result is the journal's
    assert {one["detail"] for one in found["diverged"]} <= {"returned another program"}
