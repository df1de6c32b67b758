"""The ports: what the engine needs of sandboxes and executors."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from selftaught.core.messages import Reply, Request
from selftaught.core.outcome import EvaluationOutcome, Failed, Scored
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.core.task import Task
from selftaught.core.task_place import TaskPlace, place_of

# --- guests -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GuestLimits:
    """Limits of one guest.

    Attributes:
        cpu_s: CPU seconds of a candidate's call for which the utility says nothing else.
        memory_bytes: address space.
        threads: threads at a time, the first one included.
        frame_bytes: longest frame that the host takes from it.
        output_bytes: what it may print.
        wall_s: seconds by the clock that a call may take at most; None for 10 times its CPU
            seconds, and 5 at least. An improver's stop while a request of its is pending.
        requests: requests of an improver in all, those beyond its budgets included.
    """

    cpu_s: float = 1.0
    memory_bytes: int = 1 << 30
    threads: int = 32
    frame_bytes: int = 16 << 20
    output_bytes: int = 1 << 20
    wall_s: float | None = None
    requests: int = 10_000


@dataclass(frozen=True, slots=True)
class Job:
    """A program to load in a guest: bytes and numbers, never a callable.

    `seed`, of 64 bits, is that of the guest's randomness while it loads.
    """

    program: Program
    limits: GuestLimits = field(default_factory=GuestLimits)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ExitReport:
    """How a guest ended.

    Attributes:
        exit_code, signal: the other one is None.
        cpu_s: its CPU seconds.
        by_us: whether it was still there when it was asked for, and so was ended by the host.
    """

    exit_code: int | None
    signal: int | None
    cpu_s: float
    by_us: bool = False


class GuestProcess(Protocol):
    """A forked and locked-down process, which its owner closes, whatever else was asked of it.

    All methods may be called from any thread, in any order and repeatedly, also at once: who waits
    for its end is not disturbed by who closes it. The socket is its owner's alone.
    """

    @property
    def socket(self) -> socket.socket:
        """The host's end of the socket on which frames go both ways."""
        ...

    def cpu_s(self) -> float:
        """CPU seconds of all its threads, read by the host."""
        ...

    def threads(self) -> int:
        """How many threads it has, read by the host; 0 if it has ended."""
        ...

    def kill(self) -> None:
        """End it at once, with all its threads. Harmless if it has ended."""
        ...

    def close(self) -> None:
        """Kill it and give back its descriptors, without waiting until it is gone."""
        ...

    def report(self) -> ExitReport:
        """Kill it, wait until it is gone (milliseconds), and tell how it ended.

        After `close` it waits for nothing, and tells what is known.
        Raises: InfrastructureError if the zygote is gone, or says nothing.
        """
        ...


class Zygote(Protocol):
    """A warm interpreter that forks guests."""

    def ready(self) -> None:
        """Wait until it can fork; blocking. Raises InfrastructureError with the exact reason."""
        ...

    def describe(self) -> str:
        """What its guests are locked down with, for people."""
        ...

    def fork(self, limits: GuestLimits) -> GuestProcess:
        """Fork a guest; blocking, a millisecond; safe from several threads.

        Raises: InfrastructureError if the zygote is gone.
        """
        ...

    def close(self) -> None:
        """End it and all its guests."""
        ...


class Sandbox(Protocol):
    """One tier of containment."""

    @property
    def tier(self) -> str: ...

    def start(self, *, guests: int = 1, modules: Sequence[str] = ()) -> Zygote:
        """Start a zygote; returns before it is ready.

        The calling thread must live as long as the zygote shall: the kernel ends the zygote with
        it, so that nothing survives the host.

        Args:
            guests: how many guests it may have at once.
            modules: what to preload besides `guest_modules.PRELOADED`.
        """
        ...


# --- evaluations, and where guests run ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a program: which task, on which instances.

    It is pickled with the place of its task (`place_of`), which is loaded from there.
    """

    task: Task
    stream: Stream
    repeat: str

    def __reduce__(self) -> tuple[Any, ...]:
        return _question_at, (place_of(self.task), self.stream, self.repeat)


def _question_at(place: TaskPlace, stream: Stream, repeat: str) -> Question:
    return Question(place.task(), stream, repeat)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A piece of work for an executor: one program to score, here or on another machine.

    Its pickled form is for trusted hosts alone: it tells the instances.

    Instances derive from `run_seed` and `instance_key`, with the question. It is a race if it is
    `against` the outcome of another program.
    """

    program: Program
    question: Question
    run_seed: int
    instance_key: str
    limits: GuestLimits = field(default_factory=GuestLimits)
    against: Scored | None = None


class ProgramSession(Protocol):
    """A program loaded in one guest, for blocking use by one thread at a time."""

    def load(self) -> Failed | None:
        """Load the program and call nothing: how it fails, or None."""
        ...

    def call(
        self,
        args: Sequence[Any],
        *,
        cpu_s: float,
        seed: int,
        named: tuple[str, Mapping[str, Any]] | None = None,
        tries: int = 2,
    ) -> Any:
        """One call of the entry: its result as data, or `Failed`. After that a guest is fresh.

        Args:
            named: the function to call in its place, and keyword arguments.
            tries: 1 where a fresh guest would not do for a second try of a doubtful failure.
        """
        ...

    @property
    def cpu_s(self) -> float:
        """CPU seconds that its guests have used."""
        ...

    @property
    def printed(self) -> str:
        """The beginning of what it printed."""
        ...

    def close(self) -> None: ...


class CandidateSlot(Protocol):
    """The right to run candidates' guests, held by the one thread of an evaluation."""

    @property
    def tier(self) -> str: ...

    def session(self, job: Job) -> ProgramSession:
        """A session in this slot; the caller closes it before it opens another."""
        ...

    def spares(self, most: int) -> AbstractContextManager[Sequence[CandidateSlot]]:
        """Up to `most` further slots that are idle right now; never waits."""
        ...


class RequestHandler(Protocol):
    """Serves one request of an improver guest with one reply; called concurrently."""

    async def __call__(self, request: Request) -> Reply: ...


@dataclass(frozen=True, slots=True)
class GuestResult:
    """How an improver's guest ended: the value that it returned or its failure, and its CPU."""

    value: Any | Failed
    cpu_s: float


class Executor(Protocol):
    """Owns the slots. All methods may be called concurrently, from the core's event loop."""

    @property
    def tier(self) -> str: ...

    @property
    def candidates(self) -> int:
        """How many evaluations it has at once, at most."""
        ...

    async def evaluate(self, evaluation: Evaluation) -> EvaluationOutcome:
        """Score a program, in a candidate slot; waits for one. `engine.evaluate` does the scoring.

        Cancelled, it ends the guests and soon returns; a utility that hangs is left to itself.
        Raises: UtilityError, also of a utility that hangs; InfrastructureError.
        """
        ...

    async def improve(
        self,
        job: Job,
        solution: str,
        facts: Mapping[str, Any],
        *,
        depth: int,
        cpu_s: float,
        serve: RequestHandler,
    ) -> GuestResult:
        """Run an improver in a slot of its depth (0 outer, 1 inner), serving its requests."""
        ...

    async def load(self, job: Job) -> Failed | None:
        """Load a program and call nothing: how it fails, or None."""
        ...

    async def call(self, job: Job, args: Sequence[Any], *, cpu_s: float, seed: int) -> Any:
        """One call of a program of ours that reads untrusted text; its guest may be kept warm."""
        ...


@dataclass(frozen=True, slots=True)
class ExecutorServices:
    """What an executor is made from.

    Attributes:
        sandboxes: the tiers to try, the strongest first.
        limits: those of the run's guests.
        slots: candidates at once; None for one a core.
        nesting: 0 without improvers, 1 with them, 2 with improvers of improvers.
        tmpdir_bytes: size of a candidate's temporary folder.
    """

    sandboxes: Sequence[Sandbox]
    limits: GuestLimits = field(default_factory=GuestLimits)
    slots: int | None = None
    nesting: int = 0
    tmpdir_bytes: int = 0
