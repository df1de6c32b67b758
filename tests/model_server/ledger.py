"""What was served, and what it truly costs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Long only where a client does not read on.
_LAST_BYTES_S = 1.0


@dataclass(frozen=True, slots=True)
class Served:
    """One request that has ended.

    Attributes:
        number: from 0, by arrival.
        path: of its URL, without the query.
        body: its JSON object, empty if it had none.
        headers: of the request, their names in any case.
        authorized: whether it came with a key.
        authorization: the header that held the key, as sent: Authorization, api-key or x-api-key.
        fault: the name of the fault that it got, or empty.
        status: of the response, or None if none was begun.
        whole: whether all of a response was sent.
        billed: whether an answer was made, wherever it went.
        samples, tokens_in, tokens_out: the true numbers of what was billed, otherwise 0.
        disconnected: whether the client left before a response was whole.
        started_s, ended_s: seconds of `time.monotonic`.
    """

    number: int
    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(repr=False)
    authorized: bool
    authorization: str = field(repr=False)
    fault: str
    status: int | None
    whole: bool
    billed: bool
    samples: int
    tokens_in: int
    tokens_out: int
    disconnected: bool
    started_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over all requests; `dataclasses.asdict` of it is JSON.

    Attributes:
        requests: that arrived.
        under_way: of them, those that have not ended.
        answered: that got the whole of a response with status 200.
        faults: how many got the fault of each name.
        billed_requests, billed_samples, billed_tokens_in, billed_tokens_out: the true bill of
            those that have ended.
        disconnected: whose client left before a response was whole.
        most_at_once: the most that were under way at a time.
    """

    requests: int
    under_way: int
    answered: int
    faults: Mapping[str, int]
    billed_requests: int
    billed_samples: int
    billed_tokens_in: int
    billed_tokens_out: int
    disconnected: int
    most_at_once: int


class Ledger:
    """Written by the server's thread, read by any.

    A client may have an answer before the server's thread has written that it sent it. Readers on
    other threads therefore wait for the answers whose last bytes are on their way.
    """

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._changed = threading.Condition()
        self._served: list[Served] = []
        self._faults: Counter[str] = Counter()
        self._sums: Counter[str] = Counter()
        self._ending: set[int] = set()
        self._under_way = 0
        self._most_at_once = 0

    def begin(self) -> int:
        """A request has arrived: its number."""
        with self._changed:
            number = self._sums["requests"]
            self._sums["requests"] += 1
            self._under_way += 1
            self._most_at_once = max(self._most_at_once, self._under_way)
            return number

    def ending(self, number: int) -> None:
        """The last bytes of a response are about to be sent."""
        with self._changed:
            self._ending.add(number)

    def end(self, served: Served) -> None:
        """A request has ended."""
        with self._changed:
            self._ending.discard(served.number)
            if self._keep:
                self._served.append(served)
            if served.fault:
                self._faults[served.fault] += 1
            self._sums["answered"] += served.whole and served.status == 200
            self._sums["billed_requests"] += served.billed
            self._sums["billed_samples"] += served.samples
            self._sums["billed_tokens_in"] += served.tokens_in
            self._sums["billed_tokens_out"] += served.tokens_out
            self._sums["disconnected"] += served.disconnected
            self._under_way -= 1
            self._changed.notify_all()

    def served(self) -> list[Served]:
        """A copy, by number. Not for the server's thread."""
        with self._changed:
            self._wait_for_ends()
            return sorted(self._served, key=lambda served: served.number)

    def counts(self, *, wait: bool = True) -> Counts:
        """The sums; the server's thread must not wait."""
        with self._changed:
            if wait:
                self._wait_for_ends()
            return Counts(
                requests=self._sums["requests"],
                under_way=self._under_way,
                answered=self._sums["answered"],
                faults=dict(sorted(self._faults.items())),
                billed_requests=self._sums["billed_requests"],
                billed_samples=self._sums["billed_samples"],
                billed_tokens_in=self._sums["billed_tokens_in"],
                billed_tokens_out=self._sums["billed_tokens_out"],
                disconnected=self._sums["disconnected"],
                most_at_once=self._most_at_once,
            )

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until no request is under way: whether that was so in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way == 0, timeout_s)

    def _wait_for_ends(self) -> None:
        ending = set(self._ending)
        self._changed.wait_for(lambda: ending.isdisjoint(self._ending), _LAST_BYTES_S)
