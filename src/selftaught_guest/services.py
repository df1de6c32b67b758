"""What an improver sees of the world: a utility and a language model, both frames to the host.

The attributes mirror what the host last said. Setting them changes nothing but this guest's view.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar, cast

from selftaught_guest import clocks, helpers
from selftaught_guest.channel import Channel

T = TypeVar("T")

# The host takes 64 requests at once, and the bytes of two frames of its longest.
_MOST_STARTED = 32
_MOST_STARTED_BYTES = 8 << 20
_PROMPT_CHARS = 1 << 16  # where the host does not say


class BudgetExhausted(Exception):
    """The language model's budget of this run is spent."""


class Score(float):
    """A utility's value, with what it says about the program.

    A `share` of the scoring below 1: it was stopped in a race, and the value is an estimate.
    """

    feedback: str = ""
    share: float = 1.0

    def __new__(cls, value: float, feedback: str = "", share: float = 1.0) -> Score:
        score = super().__new__(cls, value)
        score.feedback, score.share = feedback, share
        return score


class Started(Generic[T]):
    """A request that is under way.

    Results come in the order of starting: `result` first waits for all that were started before,
    and keeps theirs. So nothing that a program can see depends on what is finished first.
    """

    def __init__(
        self, requests: Requests, number: int, size: int, read: Callable[[Mapping[str, Any]], T]
    ) -> None:
        self._requests = requests
        self.number = number
        self.size = size
        self._read = read
        self._result: tuple[T | None, Exception | None] | None = None

    @property
    def is_there(self) -> bool:
        return self._result is not None

    def take(self, reply: Mapping[str, Any]) -> None:
        """Keep what was replied."""
        try:
            self._result = self._read(_checked(reply)), None
        except Exception as error:  # noqa: BLE001 - told to whoever asks for the result
            self._result = None, error

    def result(self) -> T:
        """What the call would have returned, or raised. Waits."""
        self._requests.take_in(self)
        assert self._result is not None
        value, error = self._result
        if error is not None:
            raise error
        return cast(T, value)


class Requests:
    """Requests of any thread and their replies; whichever thread waits first reads for all."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._state = threading.Condition()
        self._last_id = 0
        self._reading = False
        self._replies: dict[int, Mapping[str, Any]] = {}
        self._asking: set[int] = set()
        self._starting = threading.RLock()
        self._taking_in = threading.RLock()
        self._started: deque[Started[Any]] = deque()

    def ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The reply, which sets the clocks anew."""
        try:
            return _checked(self._ask(request))
        finally:
            clocks.renew()

    def ask_time(self) -> float | None:
        """Unix seconds; None in a signal's handler that interrupts a request of its own thread."""
        if threading.get_ident() in self._asking:
            return None
        told_s: float = _checked(self._ask({"op": "clock"}))["s"]
        return told_s

    def start(
        self, request: Mapping[str, Any], read: Callable[[Mapping[str, Any]], T]
    ) -> Started[T]:
        """Send a request and wait for nothing, unless too much is under way."""
        with self._starting, self._busy():  # handles stand in the order of what was sent
            number, size = self._send(request)
            started = Started(self, number, size, read)
            self._started.append(started)
        while self._started and (
            len(self._started) > _MOST_STARTED
            or sum(one.size for one in list(self._started)) > _MOST_STARTED_BYTES
        ):
            self.take_in(self._started[0])
        return started

    def take_in(self, last: Started[Any] | None = None) -> None:
        """Wait for what was started, one after the other, up to the last or to all of it."""
        with self._taking_in, self._busy():
            while self._started and not (last is not None and last.is_there):
                first = self._started[0]
                reply = self._reply_to(first.number)
                self._started.popleft()
                self._end_with(reply)
                first.take(reply)
                clocks.renew()

    @contextmanager
    def _busy(self) -> Iterator[None]:
        thread = threading.get_ident()
        self._asking.add(thread)
        try:
            yield
        finally:
            self._asking.discard(thread)

    def _ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._busy():
            reply = self._reply_to(self._send(request)[0])
            self._end_with(reply)
            return reply

    def _end_with(self, reply: Mapping[str, Any]) -> None:
        """In a replay a journal ends at what was asked: whoever gets that reply goes no further.

        What else is under way goes on to where the journal ends for that; then the host is told.
        """
        if reply.get("error") == "ends":
            for started in list(self._started):
                self._reply_to(started.number)
            _checked(self._reply_to(self._send({"op": "ended"})[0]))

    def _send(self, request: Mapping[str, Any]) -> tuple[int, int]:
        """The request's number, and its bytes."""
        with self._state:
            self._last_id += 1
            number = self._last_id
        return number, self._channel.send(("request", number, dict(request)))

    def _reply_to(self, number: int) -> Mapping[str, Any]:
        while True:
            with self._state:
                while number not in self._replies and self._reading:
                    self._state.wait()
                if number in self._replies:
                    return self._replies.pop(number)
                self._reading = True
            reply_id, reply = 0, {}
            try:
                _, reply_id, reply = self._channel.receive()
            finally:
                with self._state:
                    self._reading = False
                    if reply_id:
                        self._replies[reply_id] = reply
                    self._state.notify_all()


def _checked(reply: Mapping[str, Any]) -> Mapping[str, Any]:
    error = reply.get("error")
    if error == "budget":
        raise BudgetExhausted(reply["detail"])
    if error == "value":
        raise ValueError(reply["detail"])
    if error is not None:
        raise RuntimeError(reply["detail"])
    return reply


class Utility:
    """`utility(solution) -> float`: higher is better. One use of the budget a solution.

    With `against`, a program that this run has had scored, solutions are raced against it: each is
    scored further only while it can still become better, and one that is stopped takes that share
    of a use. Where the utility cannot be raced, all are scored as ever.
    """

    def __init__(self, requests: Requests, description: str, budget: int) -> None:
        self._requests = requests
        self._told = 0
        self.str = description
        self.budget = budget
        self.uses = 0

    def __repr__(self) -> str:
        """Without an address, which would make prompts that hold it differ from run to run."""
        return "<utility>"

    def __call__(self, solution: str, against: str | None = None) -> Score:
        return self.map([solution], against)[0]

    def map(self, solutions: Iterable[str], against: str | None = None) -> list[Score]:
        """The scores of several solutions, scored concurrently, in their order."""
        request = _scoring(solutions, against)
        return self._read(self._requests.ask(request)) if request["solutions"] else []

    def start(self, solution: str, against: str | None = None) -> Started[Score]:
        """Begin to score, and go on at once; `result()` waits for the score."""
        return self._requests.start(_scoring([solution], against), lambda one: self._read(one)[0])

    def start_map(
        self, solutions: Iterable[str], against: str | None = None
    ) -> Started[list[Score]]:
        """The same for several solutions."""
        return self._requests.start(_scoring(solutions, against), self._read)

    def _read(self, reply: Mapping[str, Any]) -> list[Score]:
        self.uses = self._told = max(self._told, reply["uses"])
        shares = reply.get("shares") or [1.0] * len(reply["values"])
        return [Score(*of) for of in zip(reply["values"], reply["feedback"], shares, strict=True)]


def _scoring(solutions: Iterable[str], against: str | None) -> Mapping[str, Any]:
    listed = [text if isinstance(text, str) else None for text in solutions]
    return {"op": "utility", "solutions": listed, **({"against": against} if against else {})}


class PromptedModel:
    """The model, for as many calls as the host grants.

    `prompt_chars`: of expertise and message together, for which all its `models` should have room.
    """

    def __init__(self, requests: Requests, facts: Mapping[str, Any]) -> None:
        self._requests = requests
        self._told = 0
        self.models = list(facts.get("models", ()))
        self.budget: int = facts["calls"]
        self.max_responses_per_call: int = facts["samples_per_call"]
        self.prompt_chars: int = facts.get("prompt_chars") or _PROMPT_CHARS
        self.times_used = 0

    def __repr__(self) -> str:
        return "<language model>"

    def prompt(
        self,
        expertise: str,
        message: str,
        n_responses: int = 1,
        temperature: float = 0.7,
        model: str = "",
        note: str = "",
    ) -> list[str]:
        """Up to `n_responses` responses to one message; one call of the budget.

        Args:
            model: one of `models`; without it the run draws one for each response.
            note: what the journal is to say of this call, for people: at most 500 characters.
        Raises: BudgetExhausted past the budget; ValueError if there is no such model.
        """
        return self._ask(_prompting(expertise, [message], n_responses, temperature, model, note))

    def batch_prompt(
        self,
        expertise: str,
        message_batch: Sequence[str],
        temperature: float = 0.7,
        model: str = "",
        note: str = "",
    ) -> list[str]:
        """One response to each message, asked concurrently; one call of the budget."""
        return self._ask(_prompting(expertise, message_batch, 1, temperature, model, note))

    def start(
        self,
        expertise: str,
        message: str,
        n_responses: int = 1,
        temperature: float = 0.7,
        model: str = "",
        note: str = "",
    ) -> Started[list[str]]:
        """Ask as `prompt` does, and go on at once; `result()` waits, and raises, as it would."""
        return self._start(_prompting(expertise, [message], n_responses, temperature, model, note))

    def start_batch(
        self,
        expertise: str,
        message_batch: Sequence[str],
        temperature: float = 0.7,
        model: str = "",
        note: str = "",
    ) -> Started[list[str]]:
        """The same for `batch_prompt`."""
        return self._start(_prompting(expertise, message_batch, 1, temperature, model, note))

    def _ask(self, request: Mapping[str, Any]) -> list[str]:
        return self._read(request, self._requests.ask(request))

    def _start(self, request: Mapping[str, Any]) -> Started[list[str]]:
        return self._requests.start(request, lambda reply: self._read(request, reply))

    def _read(self, request: Mapping[str, Any], reply: Mapping[str, Any]) -> list[str]:
        self.times_used = self._told = max(self._told, reply["times_used"])
        responses: list[str] = reply["responses"]
        helpers.replied(request["messages"], responses)
        return responses


def _prompting(
    expertise: str, messages: Iterable[str], n: int, temperature: float, model: str, note: str
) -> Mapping[str, Any]:
    return {
        "op": "prompt",
        "model": str(model or ""),
        "note": str(note or ""),
        "expertise": str(expertise),
        "messages": [helpers.in_parts(str(message)) for message in messages],
        "n": int(n),
        "temperature": float(temperature),
    }


def connect(channel: Channel, facts: Mapping[str, Any]) -> tuple[Requests, Utility, PromptedModel]:
    """What an improver is called with. From here on its clocks are the host's."""
    requests = Requests(channel)
    clocks.install(requests.ask_time)
    return (
        requests,
        Utility(requests, facts["description"], facts["utility_uses"]),
        PromptedModel(requests, facts),
    )
