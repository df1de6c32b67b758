"""Memory of all guests together: what a machine has room for, who waits, and who is refused."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from sandbox_support import HONEST
from selftaught.core.budget import LEAST_MEMORY_BYTES
from selftaught.core.errors import ConfigError
from selftaught.core.messages import Reply
from selftaught.core.outcome import Failed
from selftaught.core.ports import (
    ExitReport,
    GuestLimits,
    GuestProcess,
    Job,
    Sandbox,
    Zygote,
)
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.core.seeds import PUBLIC_KEY
from selftaught.core.task import SandboxedProgram, Task
from selftaught.engine.evaluate import Evaluator, Question
from selftaught.executors.guest_memory import (
    Places,
    guests_memory,
    memory_of_machine,
    places_for,
    tool_limits,
    wanted_places,
)
from selftaught.executors.local import LocalExecutor

GB = 1 << 30
MB = 1 << 20
UNLIMITED_V1 = "9223372036854771712"

# --- what a machine has -------------------------------------------------------------------------

V1 = "sys/fs/cgroup/memory"
V2 = "sys/fs/cgroup"


@pytest.mark.parametrize(
    ("cgroup", "files", "expected"),
    [
        pytest.param(None, {}, 8 * GB, id="no cgroups at all"),
        pytest.param("0::/\n", {}, 8 * GB, id="v2, at its root, which has no limit"),
        pytest.param("0::/a/b\n", {f"{V2}/a/b/memory.max": "max"}, 8 * GB, id="v2, unlimited"),
        pytest.param("0::/a/b\n", {f"{V2}/a/b/memory.max": str(GB)}, GB, id="v2, limited"),
        pytest.param(
            "0::/a/b\n",
            {f"{V2}/a/b/memory.max": str(3 * GB), f"{V2}/a/memory.max": str(2 * GB)},
            2 * GB,
            id="v2, limited more narrowly further up",
        ),
        pytest.param("0::/\n", {f"{V2}/memory.max": str(GB)}, GB, id="v2, in a container"),
        pytest.param(
            "0::/../x\n", {f"{V2}/memory.max": str(GB)}, GB, id="v2, a name outside the container"
        ),
        pytest.param(
            "0::/a\n", {f"{V2}/a/memory.max": str(64 * GB)}, 8 * GB, id="v2, more than there is"
        ),
        pytest.param(
            "4:cpu,memory:/a/b\n0::/\n",
            {
                f"{V1}/memory.limit_in_bytes": UNLIMITED_V1,
                f"{V1}/a/memory.limit_in_bytes": str(2 * GB),
                f"{V1}/a/b/memory.limit_in_bytes": UNLIMITED_V1,
            },
            2 * GB,
            id="v1, limited further up",
        ),
        pytest.param(
            "4:memory:/docker/0123\n",
            {f"{V1}/memory.limit_in_bytes": str(GB)},
            GB,
            id="v1, in a container",
        ),
        pytest.param(
            "4:memory:/\n3:cpu:/\n1:name=systemd:/\n0::/\n",
            {f"{V1}/memory.limit_in_bytes": UNLIMITED_V1},
            8 * GB,
            id="v1, unlimited",
        ),
    ],
)
def test_memory_is_the_machines_or_that_of_the_smallest_cgroup_around(
    cgroup: str | None, files: dict[str, str], expected: int, tmp_path: Path
) -> None:
    written = {"proc/meminfo": f"MemTotal: {8 * GB >> 10} kB\nMemFree: 1024 kB\n", **files}
    if cgroup is not None:
        written["proc/self/cgroup"] = cgroup
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text.strip()}\n")
    assert memory_of_machine(tmp_path) == expected


def test_this_machine_has_memory() -> None:
    assert 64 * MB < memory_of_machine() < 1 << 50


# --- how many that is ---------------------------------------------------------------------------


def cost(places: Places, limits: GuestLimits, tmpdir_bytes: int = 0) -> int:
    improvers = (places.inner + places.outer) * limits.memory_bytes
    candidates = places.candidates * (limits.memory_bytes + tmpdir_bytes)
    return improvers + candidates + places.tools * tool_limits(limits).memory_bytes


def one_of_each(wanted: Places) -> Places:
    return Places(**{kind: min(1, most) for kind, most in asdict(wanted).items()})


@given(
    some.integers(1, 64),
    some.integers(0, 2),
    some.integers(256, 8192),
    some.integers(0, 1 << 20),
    some.sampled_from([0, 64, 2048]),
)
def test_places_fit_and_are_one_of_each_kind_at_least_and_no_more_than_wanted(
    candidates: int, nesting: int, memory_mb: int, machine_mb: int, tmpdir_mb: int
) -> None:
    wanted = wanted_places(candidates, nesting=nesting)
    limits = GuestLimits(memory_bytes=memory_mb * MB)
    fits = cost(one_of_each(wanted), limits, tmpdir_mb * MB) <= guests_memory(machine_mb * MB)
    try:
        places = places_for(wanted, limits, machine_mb * MB, tmpdir_mb * MB)
    except ConfigError:
        assert not fits
        return
    assert fits
    assert cost(places, limits, tmpdir_mb * MB) <= guests_memory(machine_mb * MB)
    for kind, most in asdict(wanted).items():
        assert min(1, most) <= asdict(places)[kind] <= most


@pytest.mark.parametrize(
    ("machine_bytes", "expected"),
    [
        (256 * GB, Places(candidates=4, inner=16, tools=4, outer=4)),
        (32 * GB, Places(candidates=4, inner=13, tools=4, outer=4)),
        (8 * GB, Places(candidates=2, inner=2, tools=1, outer=1)),
        (5 * GB, Places(candidates=1, inner=1, tools=1, outer=1)),
    ],
)
def test_each_kind_gets_one_in_turn(machine_bytes: int, expected: Places) -> None:
    assert places_for(wanted_places(4), GuestLimits(), machine_bytes) == expected


def test_less_memory_for_each_is_room_for_more() -> None:
    small = GuestLimits(memory_bytes=256 * MB)
    assert places_for(wanted_places(4), small, 10 * GB) == wanted_places(4)


@given(some.integers(300, 3900), some.integers(0, 2), some.sampled_from([0, 64]))
def test_where_there_is_no_room_for_one_of_each_the_line_says_what_to_do_and_that_helps(
    machine_mb: int, nesting: int, tmpdir_mb: int
) -> None:
    wanted = wanted_places(2, nesting=nesting)
    limits = GuestLimits(memory_bytes=2 * GB)
    assume(cost(one_of_each(wanted), limits, tmpdir_mb * MB) > guests_memory(machine_mb * MB))
    with pytest.raises(ConfigError) as refused:
        places_for(wanted, limits, machine_mb * MB, tmpdir_mb * MB)
    said = str(refused.value)
    assert "\n" not in said
    assert f"of the {machine_mb:,} MB of this machine or its cgroup" in said
    assert ("64 MB of --tmpdir-mb" in said) == bool(tmpdir_mb)
    if said.endswith(" or less"):
        most_mb = int(said.split("--memory-mb ")[1].split()[0])
        enough_mb = machine_mb
    else:
        most_mb = LEAST_MEMORY_BYTES >> 20
        enough_mb = int(said.split("it takes ")[1].removesuffix(" MB").replace(",", ""))
        assert enough_mb > machine_mb
    lowered = GuestLimits(memory_bytes=most_mb * MB)
    assert places_for(wanted, lowered, enough_mb * MB, tmpdir_mb * MB)


# --- who waits ----------------------------------------------------------------------------------


@dataclass
class Count:
    """Guests that hold a program, or may, as their host sees it; the most at once."""

    now: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, change: int) -> None:
        with self.lock:
            self.now += change
            self.most = max(self.most, self.now)


class _CountedGuest:
    def __init__(self, guest: GuestProcess, count: Count) -> None:
        self._guest = guest
        self._count: Count | None = count
        self.socket = guest.socket
        self.cpu_s, self.threads, self.kill = guest.cpu_s, guest.threads, guest.kill
        count.add(1)

    def report(self) -> ExitReport:
        return self._guest.report()

    def close(self) -> None:
        self._guest.close()
        count, self._count = self._count, None
        if count is not None:
            count.add(-1)


@dataclass(frozen=True)
class _CountedZygote:
    zygote: Zygote
    count: Count

    def ready(self) -> None:
        self.zygote.ready()

    def describe(self) -> str:
        return self.zygote.describe()

    def fork(self, limits: GuestLimits) -> GuestProcess:
        return _CountedGuest(self.zygote.fork(limits), self.count)

    def close(self) -> None:
        self.zygote.close()


@dataclass(frozen=True)
class CountedSandbox:
    """A sandbox that counts its guests."""

    sandbox: Sandbox
    count: Count = field(default_factory=Count)

    @property
    def tier(self) -> str:
        return self.sandbox.tier

    def start(self, *, guests: int = 1, modules: Sequence[str] = ()) -> Zygote:
        return _CountedZygote(self.sandbox.start(guests=guests, modules=modules), self.count)


IMPROVER = f"""
def {IMPROVER_ENTRY}(initial_solution, utility, language_model):
    return str(max(utility.map([initial_solution + "+" + str(i) for i in range(3)])))
"""
FACTS = {"description": "", "calls": 1, "samples_per_call": 1, "utility_uses": 9}


def _doubles(program: SandboxedProgram, rng: np.random.Generator) -> float:
    return float(sum(program.map(range(4), cpu_s=1.0)) + program(1, cpu_s=1.0))


async def outcomes_of(executor: LocalExecutor) -> list[Any]:
    """Many runs of each kind at once; each outer improver waits for inner ones, those for a
    candidate and for tools of three kinds."""
    evaluator = Evaluator(executor, 0, instance_key=PUBLIC_KEY)
    task = Task("doubles", HONEST, _doubles, (0.0, 99.0), description="d")

    async def improve(solution: str, depth: int, serve: Any) -> Any:
        job = Job(Program(IMPROVER, IMPROVER_ENTRY))
        result = await executor.improve(job, solution, FACTS, depth=depth, cpu_s=20.0, serve=serve)
        assert not isinstance(result.value, Failed), result.value
        return result.value

    async def scored(solution: str) -> float:
        adds = len(solution)
        program = Program(f"def algorithm(x):\n    return 2 * x + {adds}\n")
        outcome = await evaluator.score(program, Question(task, "search", solution))
        tool = Job(Program(f"def algorithm(x):\n    return x + {adds % 3}\n"))
        read = await executor.call(tool, (adds,), cpu_s=1.0, seed=0)
        return float(outcome.value + read)  # type: ignore[union-attr]

    async def values(of: Any, request: Any) -> Reply:
        found = await asyncio.gather(*(of(text) for text in request.solutions))
        return Reply({"values": list(found), "feedback": [""] * len(found), "uses": 1})

    async def inner(solution: str) -> float:
        return float(await improve(solution, 1, lambda request: values(scored, request)))

    outer = [improve("s" * i, 0, lambda request: values(inner, request)) for i in range(5)]
    found = await asyncio.gather(*outer)
    await evaluator.aclose()
    return found


def test_guests_beyond_the_bound_wait_and_all_come_to_the_same(any_sandbox: Sandbox) -> None:
    limits = GuestLimits()
    found: list[list[Any]] = []
    for machine_bytes in (256 * GB, 5 * GB, 7 * GB):
        places = places_for(wanted_places(3), limits, machine_bytes)
        sandbox = CountedSandbox(any_sandbox)

        async def run(sandbox: Sandbox = sandbox, places: Places = places) -> list[Any]:
            async with LocalExecutor(
                sandbox, limits=limits, **asdict(places)
            ).running() as executor:
                return await outcomes_of(executor)

        found.append(asyncio.run(asyncio.wait_for(run(), 120)))
        assert sandbox.count.most <= sum(asdict(places).values())
        assert sandbox.count.most * limits.memory_bytes <= guests_memory(machine_bytes)
        assert sandbox.count.now == 0
    assert len(set(found[0])) == 5, "so what each comes to shows whose it is"
    assert found == [found[0]] * 3


def test_tools_have_no_more_memory_than_the_runs_own_guests(any_sandbox: Sandbox) -> None:
    source = "import numpy as np\ndef algorithm(mb):\n    return np.ones(mb << 17).size\n"

    async def run(limits: GuestLimits) -> list[Any]:
        executor = LocalExecutor(any_sandbox, candidates=1, outer=0, inner=0, limits=limits)
        async with executor.running():
            job = Job(Program(source))
            return [await executor.call(job, (mb,), cpu_s=5.0, seed=0) for mb in (10, 300)]

    assert asyncio.run(run(GuestLimits())) == [10 << 17, 300 << 17]
    fits, does_not = asyncio.run(run(GuestLimits(memory_bytes=LEAST_MEMORY_BYTES)))
    assert fits == 10 << 17
    assert isinstance(does_not, Failed)
    assert does_not.kind == "memory"
