"""Requests that an improver starts and whose results it takes in later: overlap without races."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from engine_support import CountedUtility, LoggedModel, World, improver, make_context
from test_resume import Kept

from selftaught.core.budget import Budget, ImproverLimits, Usage
from selftaught.core.errors import BudgetExceeded, JournalEnds
from selftaught.core.language_model import Prompt
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.engine.history import History, Replay
from selftaught.journal.codec import as_json

LIMITS = ImproverLimits(calls=6, samples_per_call=4, utility_uses=12, cpu_s=20.0)

# While one round is scored the next is asked for; two equal calls tell occurrences apart.
PIPELINE = """
import json, time
def improve_algorithm(initial_solution, utility, language_model):
    said = []
    asked = [language_model.start("expert", "same", n_responses=3) for _ in range(2)]
    for turn in range(3):
        texts = asked.pop(0).result()
        scoring = [utility.start(text) for text in texts]
        more = utility.start_map([f"{turn} {text}" for text in texts[:2]])
        if turn < 2:
            asked.append(language_model.start("expert", f"turn {turn} at {time.time()}", 2))
        said.append([utility.uses, language_model.times_used, time.time()])
        said.append([[score, score.feedback] for score in more.result()])
        said.append([one.result() for one in scoring])
        said.append([utility.uses, language_model.times_used])
    said.append(asked.pop().result())
    utility.start("never asked for")
    return json.dumps(said)
"""


@dataclass
class Went:
    """A run of an improver, with its journal."""

    result: Program | Failed | BudgetExceeded
    usage: Usage
    journal: Kept
    model: LoggedModel
    utility: CountedUtility

    @property
    def said(self) -> Any:
        assert isinstance(self.result, Program), self.result
        return json.loads(self.result.source)

    def keys(self) -> dict[tuple[str, str], Any]:
        """What stands under which key, whatever the order."""
        found: dict[tuple[str, str], Any] = {}
        for event in self.journal.events:
            body = as_body(event)
            if event.kind == "lm_call":
                found[event.kind, event.key] = (body["user"], body["place"], body["seeds"])
            elif event.kind == "lm_answer":
                found[event.kind, event.key] = body["texts"]
            elif event.kind == "clock":
                found[event.kind, event.key] = body["s"]
            elif event.kind == "invocation_end":
                found[event.kind, event.key] = (body["program"], body["utility_uses"])
        return found


def as_body(event: Any) -> dict[str, Any]:
    return as_json(event.body)


def go(
    world: World,
    source: str = PIPELINE,
    delays: random.Random | None = None,
    *,
    limits: ImproverLimits = LIMITS,
    budget: Budget | None = None,
    history: History | None = None,
    journal: Kept | None = None,
    value: Callable[[str], Any] | None = None,
) -> Went:
    def pause() -> Awaitable[None]:
        return asyncio.sleep(delays.uniform(0, 0.03) if delays else 0)

    async def answered(prompt: Prompt) -> list[str]:
        await pause()
        return [f"{prompt.user} {seed % 1000}" for seed in prompt.seeds]

    async def valued(text: str) -> float:
        await pause()
        return float(len(text))

    model, utility = LoggedModel(answered), CountedUtility(value=value or valued)
    context = make_context(world.executor, model, limits=limits, budget=budget)
    kept = journal or Kept()
    context.journal = kept
    ticks = iter(range(1000, 9999))
    context.now = lambda: float(next(ticks))
    if history is not None:
        context.history = history
    made = improver(context, source)
    try:
        result, usage = world.run(made.run(utility, Program("the seed")))
    except BudgetExceeded as ended:
        return Went(ended, Usage(), kept, model, utility)
    return Went(result, usage, kept, model, utility)


def body(*lines: str) -> str:
    head = "import json\ndef improve_algorithm(initial_solution, utility, language_model):\n"
    return head + "".join(f"    {line}\n" for line in lines)


# --- what it is for -----------------------------------------------------------------------------


def test_scoring_overlaps_the_next_request(world: World) -> None:
    """Each waits for the other to be under way: one after the other would never end."""
    scoring, asking = asyncio.Event(), asyncio.Event()

    async def answered(prompt: Prompt) -> list[str]:
        asking.set()
        await scoring.wait()
        return ["response"]

    async def valued(text: str) -> float:
        scoring.set()
        await asking.wait()
        return 7.0

    source = body(
        "score = utility.start('x')",
        "texts = language_model.prompt('e', 'm')",
        "return json.dumps([texts, score.result()])",
    )
    context = make_context(world.executor, LoggedModel(answered), limits=LIMITS)
    utility = CountedUtility(value=valued)
    result, _ = world.run(improver(context, source).run(utility, Program("s")), limit_s=20.0)
    assert isinstance(result, Program)
    assert json.loads(result.source) == [["response"], 7.0]


def test_a_result_is_that_of_the_plain_call_and_stays(world: World) -> None:
    source = body(
        "one, many = utility.start('abc'), utility.start_map(['x', 'yy', None])",
        "asked = language_model.start_batch('e', ['a', 'b'])",
        "pair = [one.result(), one.result()]",
        "texts = asked.result()",
        "return json.dumps([pair, pair[0].feedback, many.result(), utility.start_map([]).result(),",
        "    [text[0] for text in texts], utility.uses, language_model.times_used])",
    )
    went = go(world, source)
    assert went.said == [[3, 3], "feedback on abc", [1, 2, -1], [], ["a", "b"], 4, 1]
    assert went.usage.lm_calls == 1


def test_results_come_in_the_order_of_starting(world: World) -> None:
    """The first is the slowest, and what the host last said of uses never goes back."""

    async def valued(text: str) -> float:
        await asyncio.sleep(0.05 if text == "slow" else 0)
        return float(len(text))

    source = body(
        "slow, quick = utility.start('slow'), utility.start('q')",
        "seen = [utility.uses, quick.result(), utility.uses, slow.is_there]",
        "late = utility.start('late')",
        "seen += [utility('now'), utility.uses, late.result(), utility.uses, slow.result()]",
        "return json.dumps(seen)",
    )
    assert go(world, source, value=valued).said == [0, 1, 2, True, 3, 4, 4, 4, 4]


def test_what_was_used_is_told_as_it_was_when_each_was_charged(world: World) -> None:
    source = body(
        "started = [utility.start(text) for text in 'abc']",
        "return json.dumps([[one.result(), utility.uses] for one in started])",
    )
    assert go(world, source, random.Random(6)).said == [[1, 1], [1, 2], [1, 3]]


def test_a_result_sets_the_clocks_anew(world: World) -> None:
    source = "import time\n" + body(
        "before, started = time.time(), utility.start('x')",
        "between = time.time()",
        "started.result()",
        "return json.dumps([between - before < 0.5, time.time() - before >= 1])",
    )
    assert go(world, source).said == [True, True]


# --- budgets ------------------------------------------------------------------------------------


def test_budgets_hold_for_what_is_started(world: World) -> None:
    source = body(
        "asked = [language_model.start('e', str(i), 9) for i in range(20)]",
        "scores = [utility.start('x' * i) for i in range(40)]",
        "answers, refused = [], 0",
        "for one in asked:",
        "    try:",
        "        answers.append(len(one.result()))",
        "    except Exception as error:",
        "        refused += type(error).__name__ == 'BudgetExhausted'",
        "values = [one.result() for one in scores]",
        "return json.dumps([answers, refused, values])",
    )
    went = go(world, source, random.Random(3))
    assert went.said == [[4] * 6, 14, [*range(12), *[-1.0] * 28]]
    assert len(went.utility.asked) == LIMITS.utility_uses
    assert went.usage.samples == LIMITS.calls * LIMITS.samples_per_call


def test_the_runs_budget_ends_what_was_started(world: World) -> None:
    source = body(
        "asked = [language_model.start('e', str(i)) for i in range(6)]",
        "return json.dumps([one.result() for one in asked])",
    )
    went = go(world, source, random.Random(1), budget=Budget(samples=3))
    assert isinstance(went.result, BudgetExceeded)
    assert sum(prompt.n for prompt in went.model.prompts) == 3


def test_a_great_deal_may_be_started_and_its_bytes_are_bounded(world: World) -> None:
    limits = ImproverLimits(calls=1, samples_per_call=1, utility_uses=200, cpu_s=20.0)
    source = body(
        "big = ['x' * 180_000] * 9",
        "scores = [utility.start('y' * i) for i in range(150)]",
        "scores += [utility.start_map(big) for _ in range(30)]",
        "return json.dumps([len(scores), scores[-1].result()[0] < 0, scores[140].result()])",
    )
    assert go(world, source, random.Random(2), limits=limits).said == [180, True, 140]


def test_what_is_never_asked_for_is_served_and_paid_before_the_end(world: World) -> None:
    source = body("language_model.start('e', 'm')", "utility.start('x')", "raise ValueError('no')")
    went = go(world, source, random.Random(4))
    assert isinstance(went.result, Failed)
    assert went.result.kind == "raised"
    (answer,) = [as_body(event) for event in went.journal.events if event.kind == "lm_answer"]
    assert answer["state"] == "answered"
    assert went.utility.asked == ["x"]


# --- the same, whatever is finished first -------------------------------------------------------


@pytest.fixture(scope="module")
def whole(world: World) -> Went:
    return go(world, delays=random.Random(0))


def test_twenty_runs_with_delays_of_their_own_come_to_the_same_under_the_same_keys(
    world: World, whole: Went
) -> None:
    orders = set()
    for seed in range(1, 21):
        went = go(world, delays=random.Random(seed))
        assert went.said == whole.said
        assert went.keys() == whole.keys()
        assert went.usage == whole.usage
        orders.add(tuple((event.kind, event.key) for event in went.journal.events))
    assert len(orders) > 1, "the delays never changed what was finished first"


def test_a_cut_anywhere_resumes_to_the_same_and_asks_for_nothing_that_is_there(
    world: World, whole: Went
) -> None:
    events = whole.journal.events
    for length in range(1, len(events) - 1):
        kept = Kept(list(events[:length]), dict(whole.journal.texts))
        answered = sum(event.kind == "lm_answer" for event in kept.events)
        history = History(kept.memory())
        went = go(world, delays=random.Random(length), history=history, journal=kept)
        assert len(went.model.prompts) == len(whole.model.prompts) - answered
        assert not [event for event in kept.events if event.kind == "diverged"]
        assert went.said == whole.said
        assert went.keys() == whole.keys()


def test_a_replay_comes_to_the_same_and_of_a_cut_run_to_where_it_ended(
    world: World, whole: Went
) -> None:
    again = go(
        world, delays=random.Random(5), history=Replay(whole.journal.memory(everything=True))
    )
    assert again.said == whole.said
    assert again.model.prompts == []
    assert not [event for event in again.journal.events if event.kind == "diverged"]
    events = whole.journal.events
    asked = {event.key: n for n, event in enumerate(events) if event.kind == "lm_call"}
    for length in sorted(asked.values())[2:]:  # before a request was sent
        memory = Kept(list(events[:length]), dict(whole.journal.texts)).memory(everything=True)
        cut = go(world, delays=random.Random(length), history=Replay(memory))
        assert isinstance(cut.result, JournalEnds)


def test_where_a_journal_ends_for_one_request_the_others_go_on(world: World) -> None:
    """A started call is not in the journal; what the program did before it took that in, is."""
    source = body(
        "lost = language_model.start('e', 'lost')",
        "text, = language_model.prompt('e', 'kept')",
        "early = utility.start('slow')",
        "utility(text)",
        "return lost.result()[0]",
    )
    original = go(world, source)
    lost = next(e.key for e in original.journal.events if e.kind == "lm_call")
    cut = [
        event
        for event in original.journal.events
        if event.kind in ("lm_call", "lm_answer", "invocation") and event.key != lost
    ]
    memory = Kept(cut, dict(original.journal.texts)).memory(everything=True)

    async def valued(text: str) -> float:
        await asyncio.sleep(0.05 if text == "slow" else 0)
        done.append(text)
        return 1.0

    done: list[str] = []
    replayed = go(world, source, history=Replay(memory), value=valued)
    assert isinstance(replayed.result, JournalEnds)
    assert lost in str(replayed.result)
    assert sorted(done) == sorted(original.utility.asked)
