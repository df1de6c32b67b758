"""Scoring: asked once however often it is asked, and no failure of ours becomes a score."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from engine_support import FakeExecutor, MemoryJournal, World, broken, improver, make_context

from sandbox_support import HONEST, guest_source
from selftaught.core.budget import ImproverLimits
from selftaught.core.errors import ConfigError, InfrastructureError
from selftaught.core.outcome import EvaluationOutcome, Failed, Scored
from selftaught.core.ports import Sandbox
from selftaught.core.program import Program
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.task import Measure, ProgramFailed, SandboxedProgram, Task, per_instance
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.engine.utilities import TaskUtility
from selftaught.engine.utility_error import UtilityError
from selftaught.executors.local import LocalExecutor

Rng = np.random.Generator


def make_task(utility: Any, **how: Any) -> Task:
    return Task(
        "mine", HONEST, utility, **{"range": (-10.0, 100.0), "description": "a test's", **how}
    )


def ask(world: World, utility: Any, source: str = HONEST, **how: Any) -> EvaluationOutcome:
    question = Question(make_task(utility, **how), "search", "0")

    async def score() -> EvaluationOutcome:
        evaluator = Evaluator(world.executor, 0, instance_key=PUBLIC_KEY)
        return await evaluator.score(Program(source), question)

    return world.run(score())


def value_of(outcome: EvaluationOutcome) -> float:
    assert isinstance(outcome, Scored), outcome
    return outcome.value


def calls_once(program: SandboxedProgram, rng: Rng) -> float:
    return float(program(21))


# --- asked once ---------------------------------------------------------------------------------


def test_two_equal_questions_at_once_are_one_evaluation() -> None:
    async def run() -> None:
        executor = FakeExecutor(lambda x: 2 * x)
        evaluator = Evaluator(executor, 0, instance_key=PUBLIC_KEY)
        question = Question(make_task(calls_once), "search", "0")
        told: list[EvaluationOutcome] = []
        answers = await asyncio.gather(
            *(evaluator.score(Program(HONEST), question, told.append) for _ in range(10))
        )
        assert executor.evaluations == 1
        assert {outcome.value for outcome in answers} == {42.0}
        await evaluator.score(Program(HONEST), question, told.append)
        assert executor.evaluations == 1
        assert told == answers[:1]

    asyncio.run(run())


@pytest.mark.parametrize(
    "other",
    [
        (HONEST + "#", "mine", "search", "0"),
        (HONEST, "yours", "search", "0"),
        (HONEST, "mine", "val", "0"),
        (HONEST, "mine", "search", "1"),
    ],
    ids=["program", "task", "stream", "repeat"],
)
def test_a_question_that_differs_is_another_evaluation(other: Any) -> None:
    source, name, stream, repeat = other

    async def run() -> None:
        executor = FakeExecutor(lambda x: 1)
        evaluator = Evaluator(executor, 0, instance_key=PUBLIC_KEY)
        task = Task(name, HONEST, calls_once, description="d")
        await evaluator.score(Program(HONEST), Question(make_task(calls_once), "search", "0"))
        await evaluator.score(Program(source), Question(task, stream, repeat))
        assert executor.evaluations == 2

    asyncio.run(run())


def test_an_error_is_told_to_all_who_wait_and_asked_again_later() -> None:
    async def run() -> None:
        executor = FakeExecutor(broken)
        evaluator = Evaluator(executor, 0, instance_key=PUBLIC_KEY)
        question = Question(make_task(calls_once), "search", "0")
        answers = await asyncio.gather(
            *(evaluator.score(Program(HONEST), question) for _ in range(3)), return_exceptions=True
        )
        assert [type(answer) for answer in answers] == [InfrastructureError] * 3
        assert executor.evaluations == 1
        executor.outcome = lambda x: 7
        outcome = await evaluator.score(Program(HONEST), question)
        assert outcome.value == 7

    asyncio.run(run())


def test_who_is_cancelled_leaves_the_others_waiting() -> None:
    async def run() -> None:
        may_end = threading.Event()

        def slow(x: float) -> float:
            may_end.wait(10)
            return x

        evaluator = Evaluator(FakeExecutor(slow), 0, instance_key=PUBLIC_KEY)
        question = Question(make_task(calls_once), "search", "0")
        first = asyncio.create_task(evaluator.score(Program(HONEST), question))
        second = asyncio.create_task(evaluator.score(Program(HONEST), question))
        await asyncio.sleep(0.05)
        first.cancel()
        await asyncio.sleep(0)
        may_end.set()
        assert (await second).value == 21
        assert first.cancelled()

    asyncio.run(run())


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_score_is_journalled_once_whoever_of_its_askers_has_gone(left: int) -> None:
    """Of three who ask, all but the last `left` are cancelled before the answer comes."""

    async def run() -> None:
        may_end = threading.Event()

        def slow(x: float) -> float:
            may_end.wait(10)
            return x

        context = make_context(FakeExecutor(slow))
        u = TaskUtility(context, make_task(calls_once), "search", "0")
        askers = [asyncio.create_task(u.query(Program(HONEST))) for _ in range(3)]
        await asyncio.sleep(0.05)
        for gone in askers[: 3 - left]:
            gone.cancel()
        await asyncio.sleep(0)
        may_end.set()
        answers = await asyncio.gather(*askers, return_exceptions=True)
        assert answers[3 - left :] == [(21.0, "")] * left
        assert (await u.query(Program(HONEST)))[0] == 21.0
        journal = context.journal
        assert isinstance(journal, MemoryJournal)
        assert [body["value"] for body in journal.of("evaluation")] == [21.0]

    asyncio.run(run())


def test_a_cached_answer_costs_a_use_all_the_same(world: World) -> None:
    asked = 0

    def utility(program: SandboxedProgram, rng: Rng) -> float:
        nonlocal asked
        asked += 1
        return float(program(1))

    source = """
def improve_algorithm(initial_solution, utility, language_model):
    return str([utility(initial_solution) for _ in range(4)] + utility.map([initial_solution] * 2))
"""
    task = make_task(utility)
    context = make_context(world.executor, limits=ImproverLimits(utility_uses=5, cpu_s=20.0))
    u = TaskUtility(context, task, "search", "0")
    result, _ = world.run(improver(context, source).run(u, task.seed_program()))
    assert isinstance(result, Program)
    assert result.source == str([2.0] * 5 + [-10.0])
    assert asked == 1
    journal = context.journal
    assert isinstance(journal, MemoryJournal)
    assert len(journal.of("evaluation")) == 1
    assert journal.of("invocation_end")[0]["utility_uses"] == 5


# --- the utility's author is at fault -----------------------------------------------------------


@pytest.mark.parametrize(
    ("utility", "says"),
    [
        (lambda program, rng: 1 / 0, "ZeroDivisionError"),
        (lambda program, rng: math.nan, "nan"),
        (lambda program, rng: math.inf, "inf"),
        (lambda program, rng: -10.5, "-10.5"),
        (lambda program, rng: 101, "101"),
        (lambda program, rng: "high", "'high'"),
        (lambda program, rng: None, "None"),
        (lambda program, rng: [1.0], "1.0"),
        (lambda program, rng: Measure(math.nan), "nan"),
        (lambda program, rng: Measure(1.0, per_instance=["x"]), "Measure"),
        (lambda program, rng: Measure(1.0, metrics={"m": "x"}), "Measure"),
        (lambda program, rng: program(object()), "object"),
        (lambda program, rng: program({1, 2}), "set"),
        (lambda program, rng: program(1, cpu_s=0), "cpu_s"),
        (lambda program, rng: program(1, cpu_s=math.inf), "cpu_s"),
        (lambda program, rng: program(1, cpu_s="x"), "cpu_s"),
        (lambda program, rng: next(iter(())), "StopIteration"),
        (lambda program: 1.0, "TypeError"),
    ],
    ids=range(18),
)
def test_a_utility_that_fails_is_its_authors_error_with_the_tasks_name(
    utility: Any, says: str, world: World
) -> None:
    with pytest.raises(UtilityError, match="task mine") as told:
        ask(world, utility)
    assert says in str(told.value)


def test_infinity_is_no_score_even_where_the_range_has_no_end(world: World) -> None:
    with pytest.raises(UtilityError, match="inf"):
        ask(world, lambda program, rng: math.inf, range=(0.0, math.inf))


def test_a_utilitys_error_names_its_own_line(world: World) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        return [][3]

    with pytest.raises(UtilityError, match=r"IndexError.*test_evaluator\.py:\d+"):
        ask(world, utility)


def test_what_is_no_score_names_where_the_utility_is(world: World) -> None:
    with pytest.raises(UtilityError, match=r"nan, outside of its range .*test_evaluator\.py:\d+"):
        ask(world, lambda program, rng: math.nan)


def compute_for_3_s() -> None:
    end_s = time.monotonic() + 3.0
    while time.monotonic() < end_s:
        pass


@pytest.mark.parametrize("hang", [lambda: time.sleep(3.0), compute_for_3_s])
def test_a_utility_that_hangs_is_named_with_the_line_at_which_it_is(
    hang: Callable[[], object], world: World
) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        hang()
        return 1.0

    with pytest.raises(UtilityError, match=r"has not returned for 0\.3 s.*test_evaluator\.py:\d+"):
        ask(world, utility, utility_wall_s=0.3)


def test_time_in_the_program_does_not_count_as_hanging(world: World) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        program(1, cpu_s=5.0)
        return 1.0

    slow = "import time\n\n\ndef algorithm(x):\n    time.sleep(0.6)\n    return x\n"
    assert value_of(ask(world, utility, slow, utility_wall_s=0.4)) == 1.0


ODD_OUTPUTS = {
    "none": "def algorithm(x):\n    return None\n",
    "nan": "def algorithm(x):\n    return float('nan')\n",
    "too much": "def algorithm(x):\n    return 10 ** 6\n",
}


@pytest.mark.parametrize("source", ODD_OUTPUTS.values(), ids=ODD_OUTPUTS)
def test_what_a_utility_that_works_cannot_take_is_the_candidates_failure(
    source: str, world: World
) -> None:
    """Else one odd output of one candidate would end the run of a careless utility."""

    def utility(program: SandboxedProgram, rng: Rng) -> float:
        return program(1) + 0.5

    question = Question(make_task(utility), "search", "0")

    async def both() -> tuple[EvaluationOutcome, EvaluationOutcome]:
        evaluator = Evaluator(world.executor, 0, PUBLIC_KEY)
        honest = await evaluator.score(Program(HONEST), question)
        odd = await evaluator.score(Program(source), question)
        await evaluator.aclose()
        return honest, odd

    honest, odd = world.run(both())
    assert isinstance(honest, Scored)
    assert isinstance(odd, Failed)
    assert odd.kind == "bad_output"
    assert odd.detail.startswith("the utility ")
    assert "(test_evaluator.py:" in odd.detail  # and no folder of this machine


def test_a_utility_error_is_a_configuration_error() -> None:
    assert issubclass(UtilityError, ConfigError)


# --- our own failures ---------------------------------------------------------------------------


def swallows(program: SandboxedProgram, rng: Rng) -> float:
    try:
        return float(program(1))
    except Exception:  # noqa: BLE001
        return 99.0


def swallows_all(program: SandboxedProgram, rng: Rng) -> float:
    try:
        return float(program(1))
    except BaseException:  # noqa: BLE001
        return 99.0


def swallows_in_map(program: SandboxedProgram, rng: Rng) -> float:
    try:
        return float(sum(program.map(range(5), failures="return")))
    except Exception:  # noqa: BLE001
        return 99.0


def turns_it_into_another(program: SandboxedProgram, rng: Rng) -> float:
    try:
        return float(program(1))
    except Exception:  # noqa: BLE001
        raise KeyError("mine") from None


def turns_it_into_a_failure(program: SandboxedProgram, rng: Rng) -> float:
    try:
        return float(program(1))
    except Exception:  # noqa: BLE001
        raise ProgramFailed(Failed("raised", "not my fault")) from None


async def swallows_async(program: SandboxedProgram, rng: Rng) -> float:
    return swallows(program, rng)


@pytest.mark.parametrize(
    "utility",
    [
        swallows,
        swallows_all,
        swallows_in_map,
        turns_it_into_another,
        turns_it_into_a_failure,
        swallows_async,
    ],
)
def test_a_utility_that_swallows_everything_cannot_make_our_failure_a_score(utility: Any) -> None:
    async def run() -> None:
        evaluator = Evaluator(FakeExecutor(broken), 0, instance_key=PUBLIC_KEY)
        with pytest.raises(InfrastructureError, match="the sandbox is broken"):
            await evaluator.score(Program(HONEST), Question(make_task(utility), "search", "0"))

    asyncio.run(run())


def test_a_utility_that_swallows_a_programs_failure_may(world: World) -> None:
    assert value_of(ask(world, swallows, guest_source("fails_raises"))) == 99.0


# --- programs that fail -------------------------------------------------------------------------


def test_an_uncaught_failure_is_the_outcome(world: World) -> None:
    outcome = ask(world, calls_once, guest_source("fails_raises"))
    assert isinstance(outcome, Failed)
    assert outcome.kind == "raised"
    assert "the missing piece" in outcome.detail
    outcome = ask(world, lambda p, rng: p(1, cpu_s=0.2), guest_source("loop_python"))
    assert isinstance(outcome, Failed)
    assert outcome.kind == "timeout"
    assert 0.15 < outcome.cpu_s < 5


def test_after_a_failed_call_that_the_utility_caught_the_guest_is_fresh(world: World) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        values = []
        for x in (1, 1, -1, 1):
            try:
                values.append(program(x))
            except ProgramFailed as error:
                assert error.failure.kind == "raised"  # noqa: PT017
                values.append(50)
        return float(sum(values))

    source = """
calls = 0
def algorithm(x):
    global calls
    calls += 1
    assert x > 0
    return calls
"""
    assert value_of(ask(world, utility, source)) == 1 + 2 + 50 + 1


# --- what a utility may do ----------------------------------------------------------------------


def test_a_utility_may_be_a_coroutine(world: World) -> None:
    async def utility(program: SandboxedProgram, rng: Rng) -> float:
        await asyncio.sleep(0)
        first = program(1)
        return float(first + await asyncio.to_thread(program, 2))

    assert value_of(ask(world, utility)) == 6.0


def test_a_measure_tells_more_than_its_value(world: World) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> Measure:
        return Measure(np.float64(3), per_instance=[1, 5], metrics={"m": 2}, feedback="fine")

    outcome = ask(world, utility)
    assert isinstance(outcome, Scored)
    assert (outcome.value, outcome.per_instance, outcome.feedback) == (3.0, (1.0, 5.0), "fine")
    assert outcome.metrics == {"m": 2.0}
    assert outcome.tier == world.executor.tier


def test_per_instance_makes_a_mean_over_instances(world: World) -> None:
    utility = per_instance(lambda rng: [1, 2, 3], lambda program, x: float(program(x)))
    outcome = ask(world, utility)
    assert isinstance(outcome, Scored)
    assert outcome.per_instance == (2.0, 4.0, 6.0)
    assert outcome.value == 4.0


def test_instances_follow_from_task_stream_repeat_and_the_runs_seed() -> None:
    async def drawn(seed: int, stream: Any, repeat: str, name: str = "mine") -> float:
        task = Task(name, HONEST, lambda program, rng: rng.random(), description="d")
        evaluator = Evaluator(FakeExecutor(lambda: 0), seed, instance_key=PUBLIC_KEY)
        outcome = await evaluator.score(Program(HONEST), Question(task, stream, repeat))
        return value_of(outcome)

    async def run() -> None:
        first = await drawn(0, "search", "0")
        assert await drawn(0, "search", "0") == first
        others = [
            await drawn(1, "search", "0"),
            await drawn(0, "val", "0"),
            await drawn(0, "search", "1"),
            await drawn(0, "search", "0", "yours"),
        ]
        assert len({first, *others}) == 5

    asyncio.run(run())


# --- map ----------------------------------------------------------------------------------------

STATEFUL = """
import random
seen = 0
def algorithm(x):
    global seen
    seen += 1
    if x == 13:
        raise ValueError("thirteen")
    return [x, seen, random.random()]
"""


def mapped(sandbox: Sandbox, candidates: int, source: str = STATEFUL) -> list[Any]:
    """What a map comes to with so many slots."""
    kept: list[Any] = []

    def utility(program: SandboxedProgram, rng: Rng) -> float:
        kept.append(program(100))
        kept.extend(program.map(range(17), failures="return"))
        kept.append(program(101))
        return 0.0

    async def run() -> list[Any]:
        executor = LocalExecutor(sandbox, candidates=candidates, outer=1, inner=1)
        async with executor.running():
            question = Question(make_task(utility), "search", "0")
            await Evaluator(executor, 0, instance_key=PUBLIC_KEY).score(Program(source), question)
        return kept

    return asyncio.run(run())


def test_a_map_keeps_its_order_and_does_not_depend_on_the_number_of_slots(
    any_sandbox: Sandbox,
) -> None:
    one, three = mapped(any_sandbox, 1), mapped(any_sandbox, 3)
    assert [item[0] for item in one[1:-1] if not isinstance(item, Failed)] == [
        x for x in range(17) if x != 13
    ]
    assert isinstance(one[14], Failed)
    assert one[0][:2] == [100, 1]
    assert one[-1][:2] == [101, 2], "a map is no call of the first guest"
    plain = [[i for i in run if not isinstance(i, Failed)] for run in (one, three)]
    assert plain[0] == plain[1]


def test_a_map_raises_its_first_failure_by_index(world: World) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        with pytest.raises(ProgramFailed) as failed:
            program.map([5, 7, -1, -2, 3])
        return float("-1" in failed.value.failure.detail)

    source = "def algorithm(x):\n    if x < 0:\n        raise ValueError(x)\n    return x\n"
    assert value_of(ask(world, utility, source)) == 1.0


def test_maps_of_nothing_and_of_one(world: World) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        assert program.map([]) == []
        return float(program.map(iter([4]))[0])

    assert value_of(ask(world, utility)) == 8.0


def test_many_maps_at_once_share_the_slots_without_deadlock(world: World) -> None:
    def utility(program: SandboxedProgram, rng: Rng) -> float:
        return float(sum(program.map(range(4))))

    async def run() -> list[float]:
        evaluator = Evaluator(world.executor, 0, instance_key=PUBLIC_KEY)
        outcomes = await asyncio.gather(
            *(
                evaluator.score(Program(HONEST), Question(make_task(utility), "search", f"{i}"))
                for i in range(20)
            )
        )
        return [value_of(outcome) for outcome in outcomes]

    assert world.run(run()) == [12.0] * 20
