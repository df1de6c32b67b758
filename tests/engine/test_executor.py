"""The local executor: slots that cannot deadlock, improvers that misbehave, and prompt endings."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_support import CountedUtility, LoggedModel, World, improver, make_context

from sandbox_support import GUESTS, HONEST, descendants, guest_source, is_alive, open_descriptors
from selftaught.core.budget import ImproverLimits
from selftaught.core.messages import ClockRequest, Refusal, Reply, Request, ScoreRequest, refusal
from selftaught.core.outcome import Failed, Scored
from selftaught.core.ports import GuestLimits, GuestResult, Job, Sandbox
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.task import SandboxedProgram, Task
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.engine.utilities import TaskUtility
from selftaught.executors.local import LocalExecutor
from selftaught_guest import wire


async def serve(request: Request) -> Reply:
    """Serves like a broker whose budgets have no end."""
    count = len(request.solutions) if isinstance(request, ScoreRequest) else 0
    return Reply({"values": [0.5] * count, "feedback": ["x" * 50] * count, "uses": 1})


FACTS = {"description": "", "calls": 1, "samples_per_call": 1, "utility_uses": 1}


async def improve(
    executor: LocalExecutor, source: str, solution: str = "", *, cpu_s: float = 5.0, depth: int = 1
) -> GuestResult:
    job = Job(Program(source, IMPROVER_ENTRY))
    return await executor.improve(job, solution, FACTS, depth=depth, cpu_s=cpu_s, serve=serve)


def kind_of(result: GuestResult) -> str:
    assert isinstance(result.value, Failed), result.value
    return result.value.kind


def guests_of_now(before: dict[int, str]) -> dict[int, str]:
    return {p: s for p, s in descendants(os.getpid()).items() if p not in before}


async def both_slots_warm(world: World) -> None:
    """Each candidate slot has run a program, and has a guest ready for the next."""
    job = Job(Program(HONEST), GuestLimits())
    await asyncio.gather(*(world.executor.load(job) for _ in range(4 * world.slots)))


async def settled() -> dict[int, str]:
    """The processes below this one, once no guest is starting or ending."""
    seen = descendants(os.getpid())
    for _ in range(50):
        await asyncio.sleep(0.3)
        now = descendants(os.getpid())
        if now == seen and all(is_alive(pid, start) for pid, start in now.items()):
            break
        seen = now
    return seen


def cpu_ticks(found: dict[int, str]) -> list[str]:
    """User and system time of each."""
    return [
        " ".join(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13])
        for pid in found
    ]


async def all_gone(found: dict[int, str], limit_s: float = 2.0) -> bool:
    end_s = time.monotonic() + limit_s
    while any(is_alive(pid, start) for pid, start in found.items()):
        if time.monotonic() > end_s:
            return False
        await asyncio.sleep(0.02)
    return True


BODY = "def improve_algorithm(initial_solution, utility, language_model):\n    "


# --- improvers that misbehave -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("while True: pass", "timeout"),
        ("return sum(range(10**12))", "timeout"),
        ("import os; os._exit(0)", "crashed"),
        ("return 1 / 0", "raised"),
        ("return {1, 2}", "bad_output"),
        ("return 'x' * (32 << 20)", "output_limit"),
        ("print('x' * (2 << 20))", "output_limit"),
        ("return bytearray(1 << 40)", "memory"),
    ],
)
def test_an_improver_that_fails_is_a_value(body: str, kind: str, world: World) -> None:
    result = world.run(improve(world.executor, BODY + body, cpu_s=0.3))
    assert kind_of(result) == kind
    assert 0 <= result.cpu_s < 5
    assert world.run(improve(world.executor, BODY + "return 'well'")).value == "well"


@pytest.mark.parametrize(
    ("source", "kind"), [("def f(:", "syntax"), ("x = 1", "no_code"), ("1 / 0", "raised")]
)
def test_an_improver_that_does_not_load_is_a_value(source: str, kind: str, world: World) -> None:
    assert kind_of(world.run(improve(world.executor, source))) == kind


def test_improvers_that_sleep_or_read_no_replies_meet_the_wall_clock(world: World) -> None:
    async def both() -> list[GuestResult]:
        return await asyncio.gather(
            improve(world.executor, BODY + "import time; time.sleep(1000)", cpu_s=0.3),
            improve(world.executor, guest_source("improver_reads_no_replies"), cpu_s=0.3),
        )

    assert [kind_of(result) for result in world.run(both(), 30)] == ["timeout", "timeout"]


def test_time_spent_waiting_for_a_reply_is_not_the_improvers(world: World) -> None:
    async def slow(request: Request) -> Reply:
        await asyncio.sleep(6)
        return await serve(request)

    async def run() -> GuestResult:
        job = Job(Program(BODY + "return str(utility('x'))", IMPROVER_ENTRY))
        return await world.executor.improve(job, "", FACTS, depth=1, cpu_s=0.3, serve=slow)

    assert world.run(run()).value == "0.5"


REQUEST = ("request", 1, {"op": "utility", "solutions": ["a"]})
LIES = {
    "rubbish": (b"\x05\x00\x00\x00hello", "bad_output"),
    "2 GB announced": (wire.HEADER.pack(1 << 31), "output_limit"),
    "nothing as a message": (wire.pack(None), "bad_output"),
    "a request without an id": (wire.pack(("request", "x", {})), "bad_output"),
    "a request that is no dict": (wire.pack(("request", 1, [])), "bad_output"),
    "the host's own failure": (wire.pack(("lockdown", "broken")), "bad_output"),
    "an unknown failure": (wire.pack(("failed", "nonsense", "")), "bad_output"),
    "more requests at once than are taken": (wire.pack(REQUEST) * 500, "bad_output"),
    "an operation that is an array": (
        wire.pack(("request", 1, {"op": np.array([1, 2]), "solutions": []})),
        "bad_output",
    ),
    "a request with more than its fields": (
        wire.pack(("request", 1, {"op": "utility", "solutions": [], "uses": -9})),
        "bad_output",
    ),
}


@pytest.mark.parametrize("then", ["return", "loop", "exit"])
@pytest.mark.parametrize("name", LIES)
def test_an_improver_that_lies_is_a_value(name: str, then: str, world: World) -> None:
    data, kind = LIES[name]
    source = guest_source("improver_lies")
    result = world.run(improve(world.executor, source, f"{data.hex()} then {then}", cpu_s=1.0))
    assert kind_of(result) == kind


@pytest.mark.parametrize("number", [0, 2**62, 2**63 - 1])
def test_a_forged_number_of_a_request_harms_nobody_else(number: int, world: World) -> None:
    data = wire.pack(("request", number, {"op": "utility", "solutions": []}))
    source = guest_source("improver_lies")
    result = world.run(improve(world.executor, source, f"{data.hex()} then return"))
    assert result.value == "returned"


@pytest.mark.parametrize(
    ("why", "kind"), [("budget", "budget"), ("value", "bad_output"), ("model", "bad_output")]
)
def test_an_improver_that_only_sends_what_is_refused_is_ended_early(
    why: Refusal, kind: str, world: World
) -> None:
    served = 0

    async def refuse(request: Request) -> Reply:
        nonlocal served
        served += 1
        if isinstance(request, ClockRequest):
            return Reply({"s": 1.0})
        return refusal(why, "there is no more of it")

    async def run() -> GuestResult:
        job = Job(Program(guest_source("improver_asks_in_vain"), IMPROVER_ENTRY))
        return await world.executor.improve(job, "", FACTS, depth=1, cpu_s=30.0, serve=refuse)

    result = world.run(run())
    assert kind_of(result) == kind
    assert "1,000 requests in a row refused: there is no more of it" in result.value.detail
    assert served < 2500  # a clock is read between them, and neither serves nor refuses


def test_refusals_with_something_served_between_them_go_on(world: World) -> None:
    count = 0

    async def now_and_then(request: Request) -> Reply:
        nonlocal count
        if isinstance(request, ClockRequest):
            return Reply({"s": 1.0})
        count += 1
        if count % 900 == 0:
            return Reply({"responses": [], "times_used": 1})
        return refusal("budget", "no")

    async def run() -> GuestResult:
        job = Job(Program(guest_source("improver_asks_in_vain"), IMPROVER_ENTRY))
        return await world.executor.improve(
            job, "2000", FACTS, depth=1, cpu_s=30, serve=now_and_then
        )

    assert world.run(run()).value == "asked 2000 times"


def test_decoding_a_guests_frames_is_paid_by_the_guest(world: World) -> None:
    """Each frame is a second of the guest's at most in its making, and costs the host as much."""
    frame = wire.pack(("request", 1, {"op": "utility", "solutions": [None] * 29_000}))
    source = f"""
import os
FRAME = {frame!r}
def improve_algorithm(initial_solution, utility, language_model):
    for descriptor in range(3, 64):
        try:
            os.get_blocking(descriptor)
        except OSError:
            continue
        for _ in range(600):
            left = FRAME
            while left:
                left = left[os.write(descriptor, left) :]
            os.read(descriptor, 1 << 20)
    return "returned"
"""

    async def serve_little(request: Request) -> Reply:
        return Reply({})

    async def run() -> GuestResult:
        job = Job(Program(source, IMPROVER_ENTRY))
        return await world.executor.improve(job, "", FACTS, depth=1, cpu_s=0.5, serve=serve_little)

    result = world.run(run())
    assert kind_of(result) == "timeout"
    assert result.cpu_s >= 0.5


def test_improvers_have_asyncio_and_what_honest_ones_use(world: World) -> None:
    source = """
import asyncio, csv, tempfile
from helpers import extract_code
async def ask(utility, text):
    return await asyncio.to_thread(utility, text)
def improve_algorithm(initial_solution, utility, language_model):
    async def all_of():
        return await asyncio.gather(*(ask(utility, str(i)) for i in range(5)))
    return str(sum(asyncio.run(all_of())))
"""
    assert world.run(improve(world.executor, source)).value == "2.5"


# --- slots --------------------------------------------------------------------------------------


def test_more_improvers_than_slots_at_every_depth_do_not_deadlock(any_sandbox: Sandbox) -> None:
    """One outer, two inner and one candidate slot; each outer run asks for many inner ones."""

    def utility(program: SandboxedProgram, rng: np.random.Generator) -> float:
        return float(sum(program.map(range(6), cpu_s=1.0)) + program(1)) / 1e6

    task = Task("adds", "def algorithm(x):\n    return x\n", utility, (0.0, 1.0), description="d")
    inner_source = """
def improve_algorithm(initial_solution, utility, language_model):
    texts = language_model.prompt("e", "m", n_responses=2)
    solutions = [f"def algorithm(x):\\n    return x + {i}\\n" for i in range(len(texts))]
    return max(solutions, key=utility)
"""
    outer_source = """
def improve_algorithm(initial_solution, utility, language_model):
    scores = utility.map([initial_solution + f"# {i}" for i in range(5)])
    return str(scores)
"""

    async def run() -> list[Any]:
        executor = LocalExecutor(any_sandbox, candidates=1, outer=1, inner=2)
        async with executor.running():
            context = make_context(executor, limits=ImproverLimits(utility_uses=5, cpu_s=20.0))

            async def inner(source: str) -> float:
                made = improver(context, inner_source)
                runs = [
                    made.run(TaskUtility(context, task, "search", f"{i}"), task.seed_program())
                    for i in range(3)
                ]
                results = await asyncio.gather(*runs)
                assert all(isinstance(result, Program) for result, _ in results)
                return float(len(results))

            outer = CountedUtility(depth=0, value=inner)
            made = improver(context, outer_source)
            return await asyncio.gather(*(made.run(outer, Program(f"s{i}")) for i in range(4)))

    results = asyncio.run(asyncio.wait_for(run(), 90))
    assert [result.source for result, _ in results] == [str([3.0] * 5)] * 4


# --- cancelling ---------------------------------------------------------------------------------


async def cancelled_after_s(work: asyncio.Task[Any], wait_s: float) -> float:
    """Cancel after a while; how long it took to end."""
    await asyncio.sleep(wait_s)
    start_s = time.monotonic()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    return time.monotonic() - start_s


def test_cancelling_an_improver_run_ends_its_guest(world: World) -> None:
    async def run() -> None:
        before = await settled()
        work = asyncio.create_task(improve(world.executor, BODY + "while True: pass", cpu_s=1000))
        await asyncio.sleep(0.3)
        found = guests_of_now(before)
        assert found
        assert await cancelled_after_s(work, 0.0) < 3
        assert await all_gone(found)

    world.run(run())


def test_improver_runs_cancelled_at_any_moment_leave_no_guest_and_no_descriptor(
    world: World,
) -> None:
    async def run() -> None:
        await improve(world.executor, BODY + "return ''")
        await asyncio.sleep(0.2)
        before = await settled()
        descriptors = open_descriptors()
        for delay_s in (0.0, 0.0, 0.001, 0.002, 0.003, 0.004, 0.006, 0.01):
            works = [
                asyncio.create_task(improve(world.executor, BODY + "while True: pass"))
                for _ in range(4)
            ]
            await asyncio.gather(*(cancelled_after_s(work, delay_s) for work in works))
        assert await all_gone(guests_of_now(before))
        assert open_descriptors() == descriptors

    world.run(run())


def _task(utility: Any) -> Task:
    return Task("cancelled", "x", utility, (0.0, 1.0), description="d")


def _uses_one_call(program: SandboxedProgram, rng: np.random.Generator) -> float:
    return float(program(cpu_s=1000.0))


def _maps(program: SandboxedProgram, rng: np.random.Generator) -> float:
    return float(sum(program.map(range(50), cpu_s=5.0, failures="return")))


def _calls_maps_and_calls_again(program: SandboxedProgram, rng: np.random.Generator) -> float:
    program(0, cpu_s=1.0)
    program.map([0, 0], cpu_s=1.0)
    return float(sum(program(1, cpu_s=2.0) for _ in range(100)))


@pytest.mark.parametrize(
    ("utility", "source"),
    [
        (_uses_one_call, "def algorithm():\n    while True: pass\n"),
        (_maps, "def algorithm(x):\n    while True: pass\n"),
        (
            _calls_maps_and_calls_again,
            "import time\ndef algorithm(x):\n    time.sleep(0.5 * x)\n    return 0\n",
        ),
    ],
    ids=["in one call", "in a map over several slots", "in a call after a map"],
)
def test_cancelling_an_evaluation_ends_its_guests(utility: Any, source: str, world: World) -> None:
    async def run() -> None:
        await both_slots_warm(world)
        before = await settled()
        evaluator = Evaluator(world.executor, 0, instance_key=PUBLIC_KEY)
        question = Question(_task(utility), "search", "0")
        asked = asyncio.create_task(evaluator.score(Program(source), question))
        await asyncio.sleep(0.4)
        start_s = time.monotonic()
        await evaluator.aclose()
        assert time.monotonic() - start_s < 4
        with pytest.raises(asyncio.CancelledError):
            await asked
        # As before: in each slot a guest that waits for a program, and uses no time.
        left = await settled()
        assert len(left) == len(before)
        used = cpu_ticks(left)
        await asyncio.sleep(0.3)
        assert cpu_ticks(left) == used

    world.run(run())


def test_two_hundred_evaluations_leave_no_descriptor_open(world: World) -> None:
    def utility(program: SandboxedProgram, rng: np.random.Generator) -> float:
        return float(program(0.25))

    async def run() -> None:
        evaluator = Evaluator(world.executor, 0, instance_key=PUBLIC_KEY)
        await evaluator.score(Program(HONEST), Question(_task(utility), "search", "first"))
        before = open_descriptors()
        programs = [HONEST, "def algorithm(x):\n    import os; os._exit(1)\n"]
        outcomes = await asyncio.gather(
            *(
                evaluator.score(
                    Program(programs[i % 10 == 0]), Question(_task(utility), "search", f"{i}")
                )
                for i in range(200)
            )
        )
        assert sum(isinstance(outcome, Scored) for outcome in outcomes) == 180
        assert open_descriptors() == before

    world.run(run(), 100)


def test_an_executor_that_stops_ends_its_zygotes(any_sandbox: Sandbox) -> None:
    async def run() -> dict[int, str]:
        before = await settled()
        async with LocalExecutor(any_sandbox, candidates=1, outer=1, inner=1).running() as executor:
            await executor.load(Job(Program(HONEST), GuestLimits()))
            found = guests_of_now(before)
            assert len(found) >= 3
        assert await all_gone(found)
        return found

    assert asyncio.run(run())


def test_hostile_programs_say_in_their_first_line_what_they_try() -> None:
    for path in GUESTS.glob("*.py"):
        assert path.read_text().startswith('"""'), path
        assert len(path.read_text().splitlines()[0]) > 12, path


def test_a_model_is_not_asked_by_an_improver_that_asks_nothing(world: World) -> None:
    model = LoggedModel()
    context = make_context(world.executor, model)
    made = improver(context, BODY + "return initial_solution")
    result, usage = world.run(made.run(CountedUtility(), Program("s")))
    assert isinstance(result, Program)
    assert (result.source, usage.lm_calls, model.prompts) == ("s", 0, [])
