"""What a fault is: a name, and where it takes hold of an exchange."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from model_server.exchange import Answer, Question, Refusal
from model_server.wire import Wire


def _no_refusal(question: Question) -> Refusal | None:
    return None


def _same_answer(answer: Answer) -> Answer:
    return answer


def _same_payload(payload: dict[str, Any]) -> dict[str, Any]:
    return payload


async def _send_whole(wire: Wire, body: bytes) -> None:
    await wire.send(body)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a provider misbehaves. Its steps come in this order, harmless unless set.

    Attributes:
        name: what it is called in `Served.fault` and in the counts.
        refuse: gives an error in place of an answer, which is not billed; or None to go on, and
            then the exchange counts as faultless if no other step is set.
        change: what becomes of the answer. It is billed as changed.
        edit: what becomes of the response's JSON object. The bill stays true.
        deliver: sends the response's body, or not.
        following: how many of the next requests get this fault too, whatever their plan.
    """

    name: str
    refuse: Callable[[Question], Refusal | None] = _no_refusal
    change: Callable[[Answer], Answer] = _same_answer
    edit: Callable[[dict[str, Any]], dict[str, Any]] = _same_payload
    deliver: Callable[[Wire, bytes], Awaitable[None]] = _send_whole
    following: int = 0

    @property
    def only_refuses(self) -> bool:
        """Whether it does nothing to a request that it does not refuse."""
        return (self.change, self.edit, self.deliver) == (_same_answer, _same_payload, _send_whole)


NO_FAULT = Fault("")
