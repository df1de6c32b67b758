"""What an improver sees of the world: a utility and a language model, both frames to the host.

The attributes mirror what the host last said. Setting them changes nothing but this guest's view.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from selftaught_guest import clocks
from selftaught_guest.channel import Channel


class BudgetExhausted(Exception):
    """The language model's budget of this run is spent."""


class Score(float):
    """A utility's value, with what it says about the program."""

    feedback: str = ""

    def __new__(cls, value: float, feedback: str = "") -> Score:
        score = super().__new__(cls, value)
        score.feedback = feedback
        return score


class _Requests:
    """Requests of any thread and their replies; whichever thread waits first reads for all."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._state = threading.Condition()
        self._last_id = 0
        self._reading = False
        self._replies: dict[int, Mapping[str, Any]] = {}
        self._asking: set[int] = set()

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

    def _ask(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        thread = threading.get_ident()
        self._asking.add(thread)
        try:
            return self._wait_for(request)
        finally:
            self._asking.discard(thread)

    def _wait_for(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        with self._state:
            self._last_id += 1
            own_id = self._last_id
        self._channel.send(("request", own_id, dict(request)))
        while True:
            with self._state:
                while own_id not in self._replies and self._reading:
                    self._state.wait()
                if own_id in self._replies:
                    return self._replies.pop(own_id)
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
    """`utility(solution) -> float`: higher is better. One use of the budget a solution."""

    def __init__(self, requests: _Requests, description: str, budget: int) -> None:
        self._requests = requests
        self.str = description
        self.budget = budget
        self.uses = 0

    def __repr__(self) -> str:
        """Without an address, which would make prompts that hold it differ from run to run."""
        return "<utility>"

    def __call__(self, solution: str) -> Score:
        return self.map([solution])[0]

    def map(self, solutions: Iterable[str]) -> list[Score]:
        """The scores of several solutions, scored concurrently, in their order."""
        listed = [text if isinstance(text, str) else None for text in solutions]
        if not listed:
            return []
        reply = self._requests.ask({"op": "utility", "solutions": listed})
        self.uses = reply["uses"]
        return [Score(*pair) for pair in zip(reply["values"], reply["feedback"], strict=True)]


class LanguageModel:
    """The model, for as many calls as the host grants."""

    def __init__(self, requests: _Requests, budget: int, max_responses_per_call: int) -> None:
        self._requests = requests
        self.budget = budget
        self.max_responses_per_call = max_responses_per_call
        self.times_used = 0

    def __repr__(self) -> str:
        return "<language model>"

    def prompt(
        self, expertise: str, message: str, n_responses: int = 1, temperature: float = 0.7
    ) -> list[str]:
        """Up to `n_responses` responses to one message; one call of the budget.

        Raises: BudgetExhausted past the budget.
        """
        return self._ask(expertise, [message], n_responses, temperature)

    def batch_prompt(
        self, expertise: str, message_batch: Sequence[str], temperature: float = 0.7
    ) -> list[str]:
        """One response to each message, asked concurrently; one call of the budget."""
        return self._ask(expertise, list(message_batch), 1, temperature)

    def _ask(self, expertise: str, messages: list[str], n: int, temperature: float) -> list[str]:
        reply = self._requests.ask(
            {
                "op": "prompt",
                "expertise": str(expertise),
                "messages": [str(message) for message in messages],
                "n": int(n),
                "temperature": float(temperature),
            }
        )
        self.times_used = reply["times_used"]
        responses: list[str] = reply["responses"]
        return responses


def connect(channel: Channel, facts: Mapping[str, Any]) -> tuple[Utility, LanguageModel]:
    """The two objects that an improver is called with. From here on its clocks are the host's."""
    requests = _Requests(channel)
    clocks.install(requests.ask_time)
    return (
        Utility(requests, facts["description"], facts["utility_uses"]),
        LanguageModel(requests, facts["calls"], facts["samples_per_call"]),
    )
