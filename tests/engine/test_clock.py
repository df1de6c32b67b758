"""The time that improvers are told, and what their clocks make of it."""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from engine_support import FakeExecutor, MemoryJournal, World, broken, make_context

from selftaught.core.messages import (
    ClockRequest,
    PromptRequest,
    Reply,
    Request,
    ScoreRequest,
)
from selftaught.core.outcome import Failed
from selftaught.core.ports import Job
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.engine.broker import Clock
from selftaught.engine.context import RunContext
from selftaught.engine.history import History, Memory

NOON_S = 1_700_000_000.25  # 2023-11-14 22:13:20.25 UTC
FACTS = {"description": "", "calls": 9, "samples_per_call": 9, "utility_uses": 9}


# --- the host's side ----------------------------------------------------------------------------


class Watch:
    """A clock that shows what it is told to show."""

    def __init__(self, *shows: float) -> None:
        self._shows = list(shows)

    def __call__(self) -> float:
        return self._shows.pop(0)


def context(*shows: float, held: Mapping[str, float] | None = None) -> RunContext:
    """A run whose clock shows these; its journal holds what clocks have told, by their keys."""
    run = make_context(FakeExecutor(broken))  # type: ignore[arg-type]
    run.now, run.history = Watch(*shows), History(Memory(clocks=held or {}))
    return run


def journal_of(run: RunContext) -> list[tuple[str, str, dict[str, Any]]]:
    assert isinstance(run.journal, MemoryJournal)
    return run.journal.events


def read_all(clock: Clock, times: int) -> list[float]:
    return [asyncio.run(clock.read()) for _ in range(times)]


def test_each_read_is_journalled_under_a_key_of_its_own() -> None:
    run = context(5.0, 7.5)
    assert read_all(Clock(run, "an improver run"), 2) == [5.0, 7.5]
    again = context()
    keys = [again.key("an improver run", "clock") for _ in range(2)]
    assert journal_of(run) == [
        ("clock", keys[0], {"invocation": "an improver run", "s": 5.0}),
        ("clock", keys[1], {"invocation": "an improver run", "s": 7.5}),
    ]


def test_times_are_told_to_the_microsecond_and_never_go_back() -> None:
    clock = Clock(context(1.23456789, 1.0, 2.0), "an improver run")
    assert read_all(clock, 3) == [1.234568, 1.234568, 2.0]


def test_what_the_journal_holds_is_told_again_and_not_journalled_again() -> None:
    first = context(5.0, 7.5)
    told = read_all(Clock(first, "an improver run"), 2)
    held = {key: body["s"] for _, key, body in journal_of(first)}
    second = context(1e6, 1e6 + 3, 1e6 + 4, held=held)
    clock = Clock(second, "an improver run")
    assert read_all(clock, 2) == told
    assert journal_of(second) == []


def test_after_what_the_journal_holds_the_clock_goes_on_as_if_the_run_had_not_stood_still() -> None:
    first = context(5.0)
    read_all(Clock(first, "an improver run"), 1)
    held = {key: body["s"] for _, key, body in journal_of(first)}
    second = context(1e6, 1e6 + 3, 1e6 + 4, held=held)
    clock = Clock(second, "an improver run")
    assert read_all(clock, 3) == [5.0, 8.0, 9.0]
    assert [body["s"] for _, _, body in journal_of(second)] == [8.0, 9.0]


# --- the guest's side ---------------------------------------------------------------------------


class Told:
    """An improver run whose host tells these times (the last again and again, a second later)."""

    def __init__(
        self,
        world: World,
        body: str,
        shows: Iterable[float] = (NOON_S,),
        *,
        head: str = "",
        cpu_s: float = 20.0,
    ) -> None:
        self.asked: list[str] = []
        self._shows = list(shows)
        source = f"import json, time, datetime\n{textwrap.dedent(head)}\n"
        source += "def improve_algorithm(initial_solution, utility, language_model):\n"
        source += textwrap.indent(textwrap.dedent(body), "    ")
        job = Job(Program(source, IMPROVER_ENTRY))
        result = world.run(
            world.executor.improve(job, "s", FACTS, depth=1, cpu_s=cpu_s, serve=self._serve)
        )
        self.value = result.value

    async def _serve(self, request: Request) -> Reply:
        match request:
            case ClockRequest():
                self.asked.append("clock")
                shown_s = self._shows.pop(0)
                self._shows = self._shows or [shown_s + 1]
                return Reply({"s": shown_s})
            case PromptRequest():
                self.asked.append("prompt")
                return Reply({"responses": list(request.messages) * request.n, "times_used": 1})
            case ScoreRequest():
                self.asked.append("utility")
                count = len(request.solutions)
                return Reply({"values": [0.5] * count, "feedback": [""] * count, "uses": count})
        raise AssertionError(request)

    @property
    def said(self) -> Any:
        assert isinstance(self.value, str), self.value
        return json.loads(self.value)


def test_an_improver_that_reads_no_clock_asks_for_no_time(world: World) -> None:
    body = """
        import timeit, asyncio, logging
        time.sleep(0.001)
        utility("x")
        moment = datetime.datetime(2024, 2, 3) + datetime.timedelta(days=1)
        epoch = time.gmtime(0)
        return json.dumps([str(moment), epoch.tm_year, time.strftime("%Y", epoch)])
    """
    told = Told(world, body)
    assert told.said == ["2024-02-04 00:00:00", 1970, "1970"]
    assert told.asked == ["utility"]


def test_the_host_is_asked_at_the_first_read_and_at_the_first_after_each_reply(
    world: World,
) -> None:
    body = """
        seen = [time.time(), time.time()]
        utility("x")
        seen += [time.time(), time.time()]
        language_model.prompt("e", "m")
        language_model.batch_prompt("e", ["m"])
        seen += [time.time()]
        return json.dumps(seen)
    """
    told = Told(world, body, [100.0, 200.5, 300.0])
    assert told.said == [100.0, 100.000001, 200.5, 200.500001, 300.0]
    clock = "clock"
    assert told.asked == [clock, "utility", clock, "prompt", "prompt", clock]


WALL = {
    "time.time()": NOON_S,
    "time.time_ns()": 1_700_000_000_250_000_000,
    "time.clock_gettime(time.CLOCK_REALTIME)": NOON_S,
    "time.clock_gettime_ns(time.CLOCK_REALTIME)": 1_700_000_000_250_000_000,
    "list(time.gmtime())": [2023, 11, 14, 22, 13, 20, 1, 318, 0],
    "list(time.gmtime(None))": [2023, 11, 14, 22, 13, 20, 1, 318, 0],
    "time.mktime(time.localtime())": 1_700_000_000.0,
    "time.ctime() == time.ctime(1_700_000_000)": True,
    "time.asctime() == time.ctime(1_700_000_000)": True,
    "time.strftime('%s')": "1700000000",
    "datetime.datetime.now().timestamp()": NOON_S,
    "datetime.datetime.today().timestamp()": NOON_S,
    "datetime.datetime.now(datetime.timezone.utc).isoformat()": "2023-11-14T22:13:20.250000+00:00",
    "datetime.datetime.now(tz=datetime.UTC).hour": 22,
    "repr(datetime.datetime.utcnow())": "datetime.datetime(2023, 11, 14, 22, 13, 20, 250000)",
    "abs((datetime.date.today() - datetime.date(2023, 11, 14)).days) <= 1": True,
    "__import__('logging').makeLogRecord({}).created": NOON_S,
}


@pytest.mark.parametrize("expression", WALL)
def test_every_clock_of_the_wall_shows_what_the_host_says(expression: str, world: World) -> None:
    told = Told(world, f"return json.dumps({expression})")
    assert told.said == WALL[expression]
    assert told.asked == ["clock"]


ELAPSED = [
    *("monotonic", "perf_counter", "process_time", "thread_time"),
    *("monotonic_ns", "perf_counter_ns", "process_time_ns", "thread_time_ns"),
]


@pytest.mark.parametrize("name", ELAPSED)
def test_every_clock_of_what_has_passed_starts_at_nothing(name: str, world: World) -> None:
    body = f"""
        seen = [time.{name}()]
        utility("x")
        return json.dumps([*seen, time.{name}()])
    """
    seconds = 1_000_000_000 if name.endswith("_ns") else 1
    assert Told(world, body, [NOON_S, NOON_S + 3]).said == [0, 3 * seconds]


def test_reads_strictly_increase_whatever_the_host_says(world: World) -> None:
    body = """
        seen = []
        for _ in range(4):
            seen += [time.time(), time.monotonic() + 100, time.time_ns() / 1e9]
            seen += [datetime.datetime.now().timestamp()]
            utility("x")
        return json.dumps(sorted(set(seen)) == seen)
    """
    assert Told(world, body, [100.0, 50.0, 100.0, 100.000001]).said is True


def test_names_taken_from_the_modules_show_the_hosts_time_as_well(world: World) -> None:
    told = Told(
        world,
        "return json.dumps([STARTED, passed(), datetime.now().year, date.today().year])",
        head="""
            from time import time as now, perf_counter as passed
            from datetime import date, datetime
            STARTED = now()
        """,
    )
    assert told.said == [NOON_S, 0.000001, 2023, 2023]
    assert told.asked == ["clock"]


def test_sleeping_takes_its_time_and_puts_the_clocks_on(world: World) -> None:
    body = """
        from selftaught_guest import clocks
        before = time.time(), clocks._machine.monotonic()
        time.sleep(0.25)
        after = time.time(), clocks._machine.monotonic()
        return json.dumps([after[0] - before[0], after[1] - before[1]])
    """
    shown_s, real_s = Told(world, body).said
    assert shown_s == pytest.approx(0.250001, abs=1e-6)
    assert 0.25 <= real_s < 5


@pytest.mark.parametrize(("seconds", "error"), [("-1", "ValueError"), ("None", "TypeError")])
def test_sleeping_for_no_time_is_the_same_error_as_always(
    seconds: str, error: str, world: World
) -> None:
    told = Told(world, f"time.sleep({seconds})")
    assert isinstance(told.value, Failed)
    assert told.value.detail.startswith(error)


def test_a_loop_on_the_clock_ends(world: World) -> None:
    body = """
        start = time.time()
        rounds = 0
        while time.time() - start < 3600:
            rounds += 1
        return json.dumps(rounds)
    """
    told = Told(world, body, [NOON_S, *(NOON_S + 400 * i for i in range(1, 30))])
    assert told.said < 1 << 14
    assert set(told.asked) == {"clock"}
    assert len(told.asked) < 12


def test_timing_a_piece_of_code_is_told_by_the_host(world: World) -> None:
    body = """
        import timeit
        seen = [timeit.timeit("1 + 1", number=10), *timeit.repeat("1 + 1", repeat=2, number=10)]
        return json.dumps([round(value, 6) for value in seen])
    """
    told = Told(world, body, [10.0, 12.0, 20.0, 25.0, 30.0, 37.0])
    assert told.said == [2.0, 5.0, 7.0]


def test_many_threads_read_one_clock(world: World) -> None:
    body = """
        from concurrent.futures import ThreadPoolExecutor, as_completed
        def work(index):
            seen = []
            for _ in range(20):
                seen.append(time.time())
                utility("x")
                seen.append(time.time())
            return seen
        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(work, index) for index in range(8)]
            seen = [job.result() for job in as_completed(jobs, timeout=60)]
        flat = [value for part in seen for value in part]
        return json.dumps([len(flat) == len(set(flat)), all(sorted(s) == s for s in seen)])
    """
    assert Told(world, body).said == [True, True]


WAITING = {
    "asyncio.sleep": """
        import asyncio
        async def main():
            await asyncio.gather(asyncio.sleep(0.05), asyncio.sleep(0.05))
            return "slept"
        return json.dumps(asyncio.run(main()))
    """,
    "asyncio.wait_for": """
        import asyncio
        async def main():
            try:
                await asyncio.wait_for(asyncio.Event().wait(), 0.05)
            except TimeoutError:
                return "slept"
        return json.dumps(asyncio.run(main()))
    """,
    "a future's timeout": """
        import concurrent.futures as futures
        try:
            list(futures.as_completed([futures.Future()], timeout=0.05))
        except TimeoutError:
            return json.dumps("slept")
    """,
    "an event's timeout": """
        import threading
        return json.dumps("slept" if not threading.Event().wait(0.05) else "")
    """,
    "a queue's timeout": """
        import queue
        try:
            queue.Queue().get(timeout=0.05)
        except queue.Empty:
            return json.dumps("slept")
    """,
    "a thread's timeout": """
        import threading
        threading.Thread(target=time.sleep, args=(0.2,), daemon=True).start()
        [thread.join(0.05) for thread in threading.enumerate() if thread.daemon]
        return json.dumps("slept")
    """,
}


@pytest.mark.parametrize("name", WAITING)
def test_what_waits_in_the_library_waits_by_the_machines_clock(name: str, world: World) -> None:
    told = Told(world, WAITING[name])
    assert told.said == "slept"
    assert told.asked == []


def test_a_handler_may_read_the_clock_while_its_thread_waits_for_a_reply(world: World) -> None:
    body = """
        import signal
        seen = []
        signal.signal(signal.SIGALRM, lambda *args: seen.append(time.time()))
        signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
        for _ in range(300):
            utility("x")
            seen.append(time.time())
        signal.setitimer(signal.ITIMER_REAL, 0)
        return json.dumps(len(seen) >= 300)
    """
    assert Told(world, body).said is True


TYPES = """
    import copy, pickle
    from datetime import date, datetime, timedelta
    now, day = datetime.now(), date.today()
    later = now + timedelta(hours=1)
    class Mine(datetime):
        pass
    return json.dumps([
        later - now == timedelta(hours=1), (day - date(2020, 1, 1)).days > 1000,
        type(later) is datetime, type(day + timedelta(1)) is date,
        isinstance(now, datetime) and isinstance(now, date) and isinstance(now.date(), date),
        not isinstance(day, datetime) and not isinstance(5, date),
        issubclass(datetime, date) and not issubclass(date, datetime),
        isinstance(datetime.max, datetime) and now < datetime.max and datetime(2023, 1, 1) < later,
        now.date() == date(now.year, now.month, now.day), {now.date(): 1}[day.replace()] == 1,
        pickle.loads(pickle.dumps(now)) == now,
        copy.deepcopy([now, day]) == [now, day],
        type(Mine.now()) is Mine and not isinstance(now, Mine) and isinstance(Mine.now(), datetime),
        repr(Mine(2024, 1, 2)).startswith("Mine("), repr(date(2024, 1, 2)),
        datetime.fromisoformat("2024-01-02").weekday(), f"{date(2024, 1, 2):%d.%m.}",
    ])
"""


def test_dates_and_times_are_reckoned_with_as_always(world: World) -> None:
    *facts, repr_of_date, weekday, formatted = Told(world, TYPES).said
    assert facts == [True] * len(facts)
    assert (repr_of_date, weekday, formatted) == ("datetime.date(2024, 1, 2)", 1, "02.01.")


def test_told_the_same_an_improver_that_uses_its_clocks_does_the_same_again(world: World) -> None:
    body = """
        import random
        random.seed(time.time())
        deadline, texts = time.monotonic() + 5, []
        while time.monotonic() < deadline:
            started = time.perf_counter()
            for _ in range(random.randrange(50)):
                time.process_time()
            text, = language_model.prompt("e", f"{datetime.datetime.now()}: {random.random()}")
            texts += [text, f"took {time.perf_counter() - started:.9f} s", time.ctime()]
        return json.dumps(texts)
    """
    shows = [NOON_S + 0.37 * index for index in range(1000)]
    one, other = Told(world, body, shows), Told(world, body, shows)
    assert one.said == other.said
    assert one.asked == other.asked
    assert len(one.said) > 9
    assert Told(world, body, [value + 1 for value in shows]).said != one.said


def test_time_that_is_read_without_end_meets_the_limit_of_requests(world: World) -> None:
    body = """
        import timeit
        while True:
            timeit.timeit("1", number=1)
    """
    told = Told(world, body, cpu_s=60.0)
    assert isinstance(told.value, Failed)
    assert "requests" in told.value.detail
    assert len(told.asked) <= 10_000
