"""The ports: what the engine needs of models, sandboxes, executors and journals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from selftaught.core.budget import Usage
from selftaught.core.outcome import Failed
from selftaught.core.program import Program


# --- language models ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request to a language model.

    Attributes:
        system: the expertise that the improver asks for.
        user: the message.
        n: responses wanted.
        temperature: 0 or above.
        max_tokens: output tokens a response at most.
        seeds: one 63-bit seed a response, for models that can be seeded.
    """

    system: str
    user: str
    n: int = 1
    temperature: float = 0.7
    max_tokens: int = 4096
    seeds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Completions:
    """What a language model answered.

    Attributes:
        texts: the responses, at most `n`.
        usage: what the answer took; `lm_calls` is counted by the broker, not here.
        model: the name of the model that answered.
        cost_usd: money, or None where the price is unknown.
    """

    texts: tuple[str, ...]
    usage: Usage
    model: str
    cost_usd: float | None = 0.0


class LanguageModel(Protocol):
    """A provider's model. `sample` may be called concurrently, and raises InfrastructureError."""

    @property
    def name(self) -> str: ...

    async def sample(self, prompt: Prompt) -> Completions: ...

    async def aclose(self) -> None:
        """Give back what the model holds; no call is under way."""
        ...


# --- guests -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GuestLimits:
    """Limits of one guest.

    Attributes:
        memory_bytes: address space.
        threads: threads and the process itself.
        frame_bytes: longest frame that the host takes from it.
        output_bytes: what it may print.
    """

    memory_bytes: int = 1 << 30
    threads: int = 32
    frame_bytes: int = 16 << 20
    output_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Job:
    """A program to load in a guest: bytes and numbers, never a callable.

    Attributes:
        program: source text and entry.
        limits: the guest's limits.
        seed: 64-bit seed of the guest's randomness while it loads.
    """

    program: Program
    limits: GuestLimits = field(default_factory=GuestLimits)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class ExitReport:
    """How a guest ended: exit code or signal (the other is None), and its CPU seconds."""

    exit_code: int | None
    signal: int | None
    cpu_s: float


class GuestProcess(Protocol):
    """A forked and locked-down process. Used by one thread at a time; its owner ends it."""

    def fileno(self) -> int:
        """The host's end of the socket on which frames go both ways."""
        ...

    def cpu_s(self) -> float:
        """CPU seconds of all its threads, read by the host."""
        ...

    def kill(self) -> None:
        """End it at once, with all its threads. Harmless if it has ended."""
        ...

    def close(self) -> ExitReport:
        """Kill it, wait until it is gone, and give back its descriptors."""
        ...


class Zygote(Protocol):
    """A warm interpreter that forks guests."""

    def fork(self, limits: GuestLimits) -> GuestProcess:
        """Fork a guest; blocking, a few milliseconds; safe from several threads.

        Raises: InfrastructureError if the zygote is gone.
        """
        ...

    def close(self) -> None: ...


class Sandbox(Protocol):
    """One tier of containment."""

    @property
    def tier(self) -> str: ...

    def start(self) -> Zygote:
        """Start a zygote; blocking, some 100 ms. Raises InfrastructureError with the reason."""
        ...


class ProgramSession(Protocol):
    """A candidate loaded in one guest, for blocking use by the thread that evaluates it."""

    def call(self, args: Sequence[Any], *, cpu_s: float, seed: int) -> Any:
        """One call of the entry. Returns data or `Failed`; after a failure the guest is fresh."""
        ...


class CandidateSlot(Protocol):
    """A slot in which one evaluation runs, on a thread of its own.

    `session` opens a guest in the slot; `spare` takes another slot if one is free right now, and
    never waits; all are given back when the evaluation ends.
    """

    def session(self, program: Program) -> AbstractAsyncContextManager[ProgramSession]: ...


class ImproverChannel(Protocol):
    """A running improver, seen from the broker."""

    async def run(self, serve: RequestHandler) -> Any | Failed:
        """Run to the end, serving each request of the guest concurrently."""
        ...


class RequestHandler(Protocol):
    """Serves one request frame of an improver guest with one reply."""

    async def __call__(self, request: Mapping[str, Any]) -> Mapping[str, Any]: ...


# --- the journal --------------------------------------------------------------------------------


class Journal(Protocol):
    """Append-only events of runs, and texts stored once by content hash. Safe from any thread."""

    def append(
        self,
        run_id: str,
        kind: str,
        key: str,
        body: Mapping[str, Any],
        texts: Sequence[str] = (),
    ) -> None:
        """Queue one event, and the texts that its body names by `content_id`. Does not wait.

        Args:
            run_id: the run.
            kind: what happened, such as `lm_answer`.
            key: the key of the thing that it happened to.
            body: JSON data; NaN and infinities are not allowed.
            texts: full texts whose ids the body holds.
        Raises: InfrastructureError if an earlier event could not be written.
        """
        ...

    async def flush(self, *, durable: bool = False) -> None:
        """Wait until all events queued so far are committed; durable: and on the disk."""
        ...

    async def aclose(self) -> None: ...
