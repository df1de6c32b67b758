"""Racing: what is behind is scored on the first instances alone, and nothing else is another."""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from engine_support import (
    CountedUtility,
    FakeExecutor,
    LoggedModel,
    MemoryJournal,
    World,
    improver,
    make_context,
)
from hypothesis import given, settings
from hypothesis import strategies as hs
from test_resume import Kept

from selftaught.core.budget import ImproverLimits
from selftaught.core.errors import JournalEnds
from selftaught.core.language_model import Prompt
from selftaught.core.messages import ScoreRequest
from selftaught.core.outcome import Failed, Scored
from selftaught.core.program import Program
from selftaught.core.task import Task, per_instance
from selftaught.core.utility import Race, stages
from selftaught.engine.broker import Broker
from selftaught.engine.history import History, Replay
from selftaught.engine.utilities import TaskUtility
from selftaught.studies.improvers import load_improver

OF = 32
SEED = "def algorithm(x):\n    return x\n"


def worth(gain: float, wave: float = 0.1) -> str:
    """A program that is better by so much on the whole, and now more and now less."""
    return f"def algorithm(x):\n    return x + {gain} + {wave} * (-1) ** int(7 * x)\n"


@dataclass
class Instances:
    """A raceable task whose scorings are counted, by program."""

    scored: list[float] = field(default_factory=list)
    minimize: bool = False

    def task(self) -> Task:
        def instances(rng: np.random.Generator) -> list[float]:
            return [*map(float, rng.uniform(10, 20, OF))]

        def score(program: Any, x: float) -> float:
            self.scored.append(x)
            value = float(program(x))
            return 100 - value if self.minimize else value

        return Task(
            "rows",
            SEED,
            per_instance(instances, score),
            range=(0.0, 100.0),
            description="rows",
            minimize=self.minimize,
        )

    def took(self) -> int:
        count = len(self.scored)
        self.scored.clear()
        return count


def raced_in(world: World, source: str, minimize: bool = False, **limits: int) -> tuple[Any, Any]:
    """What an improver said that raced programs, and its run's journal."""
    counted = Instances(minimize=minimize)
    task = counted.task()
    told = ImproverLimits(cpu_s=20.0, **{"utility_uses": 9, **limits})
    context = make_context(world.executor, limits=told)
    u = TaskUtility(context, task, "search", "0")
    result, _ = world.run(improver(context, source).run(u, task.seed_program()))
    assert isinstance(result, Program), result
    assert isinstance(context.journal, MemoryJournal)
    return json.loads(result.source), (context.journal, counted)


RACES = f"""
import json
PROGRAMS = {[worth(-3), worth(2), worth(-0.001, 0), worth(0).replace("x +", "x / 0 +")]!r}
def improve_algorithm(initial_solution, utility, language_model):
    first = utility(initial_solution)
    scores = utility.map(PROGRAMS, against=initial_solution)
    uses = utility.uses
    again = utility(PROGRAMS[1])
    return json.dumps([first, scores, [s.share for s in scores], uses, utility.uses, again,
                       [s.feedback for s in scores]])
"""


@pytest.mark.parametrize("minimize", [False, True])
def test_a_program_that_is_behind_is_stopped_and_takes_a_share_of_a_use(
    world: World, minimize: bool
) -> None:
    said, (journal, counted) = raced_in(world, RACES, minimize)
    first, (behind, ahead, close, failed), shares, uses, after, again, feedback = said
    # Two instances tell of one that is far behind, of one without a spread too; a failure is one.
    assert shares == [2 / OF, 1.0, 2 / OF, 1.0]
    assert counted.took() == OF + 2 + OF + 2 + 1
    assert behind == pytest.approx(first - 3, abs=0.2)
    assert first + 1.5 < ahead == again
    assert first - 0.002 < close < first
    assert failed == (-100.0 if minimize else 0.0)
    assert (uses, after) == (4, 5)  # 1 + 2/32 + 1 + 2/32 + 1, told in whole ones
    assert "first 2 of 32" in feedback[0]
    assert journal.of("invocation_end")[0]["utility_uses"] == 5
    whole = {one["value"] for one in journal.of("evaluation")}
    assert len(whole) == 3  # the seed, the better one and the failure
    lost = [one for one in journal.of("raced") if one["value"] is not None]
    assert [(one["done"], one["of"], len(one["per_instance"])) for one in lost] == [(1, 16, 2)] * 2


def test_where_nothing_can_be_raced_all_is_as_without(world: World) -> None:
    source = f"""
import json
def improve_algorithm(initial_solution, utility, language_model):
    never = utility({worth(-3)!r}, against="def algorithm(x):\\n    return 0\\n")
    lost = utility({worth(-4)!r}, against={worth(-3)!r})
    stopped = utility({worth(-9)!r}, against={worth(-4)!r})
    other = utility({worth(-10)!r}, against={worth(-9)!r})
    return json.dumps([one.share for one in (never, lost, stopped, other)])
"""
    said, _ = raced_in(world, source)
    # Against one that was never scored, one that was, and twice one that was itself stopped.
    assert said[0] == 1.0
    assert said[1] < 1.0
    assert said[2:] == [1.0, said[3]]

    counted = CountedUtility()
    context = make_context(world.executor)
    plain = improver(
        context,
        """
import json
def improve_algorithm(initial_solution, utility, language_model):
    utility("a long one")
    score = utility("b", against="a long one")
    return json.dumps([score, score.share, utility.uses])
""",
    )
    result, _ = world.run(plain.run(counted, Program("the seed")))
    assert isinstance(result, Program)
    assert json.loads(result.source) == [1.0, 1.0, 2]


def test_evolve_returns_the_best_of_what_was_scored_whole_and_scores_less(world: World) -> None:
    rng = random.Random(3)
    gains = [rng.gauss(-1, 1.5) for _ in range(24)]

    def answer(prompt: Prompt) -> list[str]:
        return [f"```python\n{worth(gains.pop())}```" for _ in range(prompt.n)]

    counted = Instances()
    task = counted.task()
    limits = ImproverLimits(calls=6, samples_per_call=4, utility_uses=25, cpu_s=20.0)
    context = make_context(world.executor, LoggedModel(answer), limits=limits)
    u = TaskUtility(context, task, "search", "0")
    best = max(gains)
    evolve = improver(context, load_improver("evolve").source)
    result, _ = world.run(evolve.run(u, task.seed_program()))
    assert isinstance(result, Program), result
    assert not gains
    assert result.source.strip() == worth(best).strip()
    assert isinstance(context.journal, MemoryJournal)
    assert result.id in {one["program"] for one in context.journal.of("evaluation")}
    assert len([one for one in context.journal.of("raced") if one["value"] is not None]) > 8
    assert counted.took() < 25 * OF / 2


# --- when it is stopped -------------------------------------------------------------------------


def race(values: Sequence[float]) -> Race:
    return Race(Scored(math.fsum(values) / len(values), per_instance=tuple(values)))


def test_a_program_is_seldom_stopped_that_would_have_become_better() -> None:
    """Of 2,000 that are as good as the other, half become better: looks stop few of these."""
    rng = np.random.default_rng(1)
    lost_behind, lost_ahead = 0, 0
    for _ in range(2_000):
        best, mine = rng.normal(0, 1, (2, OF))
        one = race(best.tolist())
        if any(one.is_lost(mine[:n].tolist(), OF) for n in range(1, OF)):
            lost_ahead += mine.mean() > best.mean()
            lost_behind += mine.mean() <= best.mean()
    assert lost_ahead < 180
    assert lost_behind > 400


def test_a_race_goes_on_where_differences_tell_nothing() -> None:
    one = race([1.0] * 8)
    assert not one.is_lost([0.0], 8)  # one instance has no spread
    assert not one.is_lost([0.0] * 3, 8)  # no look
    assert not one.is_lost([1.0] * 4, 8)  # as good
    assert not one.is_lost([0.0] * 8, 8)  # all is known
    assert not one.is_lost([0.0, 0.0], 4)  # others
    assert not one.is_lost([0.0, math.nan], 8)
    assert one.is_lost([0.0] * 4, 8)


# --- stages -------------------------------------------------------------------------------------


def staged(**how: Any) -> tuple[Task, list[str]]:
    asked: list[str] = []

    async def cheap(program: Any, rng: Any) -> float:
        asked.append("cheap")
        return float(program(1.0))

    def full(program: Any, rng: Any) -> float:
        asked.append("full")
        return float(program(2.0))

    utility = stages(cheap, full, **how)
    return Task("staged", SEED, utility, range=(-10, 10), description="d"), asked


def test_only_what_is_as_good_by_the_cheap_stage_goes_on_to_the_full_one(world: World) -> None:
    task, asked = staged(share=0.1, slack=0.5)
    context = make_context(world.executor)
    u = TaskUtility(context, task, "search", "0")

    def raced(gain: float) -> tuple[float, str, Fraction]:
        asked.clear()
        program = Program(f"def algorithm(x):\n    return x + {gain}\n")
        return world.run(u.raced(program, task.seed_program()))

    outcome = world.run(u.outcome(task.seed_program()))
    assert raced(-0.4)[::2] == (1.6, 1)
    assert asked == ["cheap", "full"]
    value, said, share = raced(-0.75)
    assert (value, share, asked) == (1.25, Fraction(1, 10), ["cheap"])
    assert "cheap stage alone, 0.75 behind" in said
    assert isinstance(outcome, Scored)
    assert (outcome.value, outcome.metrics) == (2.0, {"cheap": 1.0})


@pytest.mark.parametrize("how", [{"share": 0.0}, {"share": 1}, {"slack": -1}, {"slack": math.nan}])
def test_stages_of_no_sense_are_refused(how: dict[str, float]) -> None:
    with pytest.raises(Exception, match=r"st\.stages: (share|slack) must be"):
        staged(**how)


# --- exactness ----------------------------------------------------------------------------------

BEHIND, AHEAD = Program(worth(-3)), Program(worth(2))


def test_what_a_race_comes_to_does_not_depend_on_what_others_have_found_out() -> None:
    """Scored whole before, at once or later: the same, and each event is written once."""

    async def run(order: Callable[[TaskUtility], Any]) -> tuple[Any, dict[str, Any]]:
        counted = Instances()
        executor = FakeExecutor(lambda x: x)
        context = make_context(executor)
        u = TaskUtility(context, counted.task(), "search", "0")
        await u.outcome(Program(SEED))
        found = await order(u)
        assert isinstance(context.journal, MemoryJournal)
        keys = [(kind, key) for kind, key, _ in context.journal.events]
        assert len(keys) == len(set(keys))
        events = {key: {**body, "cpu_s": 0} for _, key, body in context.journal.events}
        return found, events

    async def first(u: TaskUtility) -> Any:
        return await u.raced(BEHIND, Program(SEED)), await u.outcome(BEHIND)

    async def last(u: TaskUtility) -> Any:
        whole = await u.outcome(BEHIND)
        return await u.raced(BEHIND, Program(SEED)), whole

    async def at_once(u: TaskUtility) -> Any:
        race = u.raced(BEHIND, Program(SEED))
        _, found, whole = await asyncio.gather(
            u.raced(BEHIND, Program(SEED)), race, u.outcome(BEHIND)
        )
        return found, whole

    found = [asyncio.run(run(order)) for order in (first, last, at_once)]
    assert found[0] == found[1] == found[2]


@dataclass
class Shares(CountedUtility):
    """Stops each program at a share that is its length, after some time."""

    delays: random.Random | None = None

    def __post_init__(self) -> None:
        super().__init__()

    async def query(self, program: Program) -> tuple[float, str]:
        await self._pause()
        return 1.0, ""

    async def raced(self, program: Program, against: Program) -> tuple[float, str, Fraction]:
        await self._pause()
        return 0.5, "", Fraction(1 + len(program.source) % 7, 7)

    async def _pause(self) -> None:
        for _ in range(self.delays.randrange(6) if self.delays else 0):
            await asyncio.sleep(0)


Asked = list[tuple[int, bool]]


@settings(max_examples=60, deadline=None)
@given(
    asked=hs.lists(hs.tuples(hs.integers(0, 6), hs.booleans()), max_size=12),
    limit=hs.integers(1, 12),
    seed=hs.integers(0, 1 << 30),
)
def test_shares_of_uses_never_overspend_and_do_not_follow_from_what_is_finished_first(
    asked: Asked, limit: int, seed: int
) -> None:
    async def run(delays: random.Random | None) -> tuple[list[Any], Fraction]:
        context = make_context(FakeExecutor(lambda: 0))
        broker = Broker(
            context, "run", Shares(delays=delays), "algorithm", ImproverLimits(utility_uses=limit)
        )
        broker.scored = []
        requests = [ScoreRequest(("best",))]
        for place, (length, races) in enumerate(asked):
            texts = tuple("x" * (place + one) for one in range(length))
            requests.append(ScoreRequest(texts, "best" if races else None))
        replies = await asyncio.gather(*map(broker.serve, requests))
        trace, _ = broker.trace()
        assert trace.uses == math.ceil(broker.uses) <= limit
        return [reply.data for reply in replies], broker.uses

    told, uses = asyncio.run(run(None))
    assert asyncio.run(run(random.Random(seed))) == (told, uses)
    spent = sum(
        Fraction(share).limit_denominator(7)
        for reply in told
        for share, said in zip(reply["shares"], reply["feedback"], strict=True)
        if not said.startswith("budget")
    )
    assert spent == uses <= limit
    assert [reply["uses"] for reply in told] == sorted(reply["uses"] for reply in told)


TWO_ROUNDS = f"""
import json
def improve_algorithm(initial_solution, utility, language_model):
    best, value, said = initial_solution, utility(initial_solution), []
    for gains in ({[-3, 1, -2, 0.3]!r}, {[0.5, 2, -1, 1.5]!r}):
        programs = ["def algorithm(x):\\n    return x + %s + 0.2 * (-1) ** int(7 * x)\\n" % gain
                    for gain in gains]
        scores = utility.start_map(programs, against=best)
        after = utility.start(initial_solution)
        said.append([[s, s.share] for s in scores.result()] + [after.result(), utility.uses])
        value, best = max([(value, best), *zip(scores.result(), programs)])
    said.append([value, utility(best, against=best)])
    return json.dumps(said)
"""


def gone(world: World, history: History, kept: Kept, counted: Instances) -> Program | Failed:
    task = counted.task()
    context = make_context(world.executor, limits=ImproverLimits(utility_uses=11, cpu_s=20.0))
    context.journal, context.history = kept, history
    u = TaskUtility(context, task, "search", "0")
    result, _ = world.run(improver(context, TWO_ROUNDS).run(u, task.seed_program()))
    return result


def test_a_run_with_races_that_was_cut_anywhere_goes_on_to_the_same_end_and_replays(
    world: World,
) -> None:
    kept, counted = Kept(), Instances()
    whole = gone(world, History(), kept, counted)
    assert isinstance(whole, Program), whole
    *_, (best, again) = json.loads(whole.source)
    assert best == again
    scorings = counted.took()
    assert scorings < 10 * OF
    events = kept.of("raced", "evaluation", "invocation_end")
    assert len([key for kind, key in events if kind == "raced"]) == 9
    for length in range(len(kept.events)):
        part = Kept(kept.events[:length], dict(kept.texts))
        assert gone(world, History(part.memory()), part, counted) == whole
        assert part.of("raced", "evaluation", "invocation_end") == events
        assert not part.of("diverged")
        assert counted.took() <= scorings
    again_kept = Kept()
    assert gone(world, Replay(kept.memory(everything=True)), again_kept, counted) == whole
    assert not again_kept.of("diverged")
    assert counted.took() == 0
    rescored = Kept()
    memory = kept.memory(everything=True)
    assert gone(world, Replay(memory, rescores=True), rescored, counted) == whole
    assert rescored.of("raced", "evaluation") == kept.of("raced", "evaluation")


def test_a_replay_ends_where_the_journal_has_no_race(world: World) -> None:
    kept, counted = Kept(), Instances()
    gone(world, History(), kept, counted)
    kept.events = [event for event in kept.events if event.kind not in ("raced", "invocation_end")]
    with pytest.raises(JournalEnds):
        gone(world, Replay(kept.memory(everything=True)), Kept(), counted)


FAILS_LATE = """
calls = 0
def algorithm(x):
    global calls
    calls += 1
    return x - 3 if calls <= 20 else 1 / 0
"""


def test_a_program_that_would_fail_late_is_stopped_before_whoever_knows_of_it(
    world: World,
) -> None:
    source = f"""
import json
def improve_algorithm(initial_solution, utility, language_model):
    utility(initial_solution)
    scores = [utility({FAILS_LATE!r}), utility({FAILS_LATE!r}, against=initial_solution)]
    return json.dumps([[score, score.share] for score in scores])
"""
    ((failed, whole), (value, share)), _ = raced_in(world, source)
    assert (failed, whole) == (0.0, 1.0)
    assert (value > 5, share) == (True, 2 / OF)
