"""What everything within one run shares."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from selftaught.core.budget import ImproverLimits, Usage
from selftaught.core.language_model import LanguageModel
from selftaught.core.ports import Executor, GuestLimits
from selftaught.core.program import REPLY_SCHEME
from selftaught.core.progress import Listener, Progress, ProgressKind, silent
from selftaught.core.statistics import Bounds
from selftaught.core.task import VERSION_SCHEME
from selftaught.engine.account import worst_case
from selftaught.engine.evaluate import Evaluator
from selftaught.engine.history import History
from selftaught.engine.keys import make_key
from selftaught.engine.ledger import NOTHING, Amounts, Ledger
from selftaught.engine.replies import ReplyReader, Wanted, as_event, read_drawn, replies_key
from selftaught.engine.requests import Drawn, Requester
from selftaught.journal.codec import Body, as_json
from selftaught.journal.events import Notice, Phase, Replies
from selftaught.journal.port import Journal
from selftaught_guest.extract import largest_block


@dataclass(slots=True)
class RunContext:
    """One run: its seed, its limits, its ledger, its journal, and what serves it.

    `drawn` tells what an improver took, by its program's id and the key of the utility; `short` the
    instances on which the budget gave one fewer responses than it asked for. `history` is what has
    been done already, and need not be done again. `now` is what improvers' clocks show.
    `prompt_chars` is what improvers are told of the room for prompts, 0 for nothing.
    `modules` is what improvers are told that they can import besides the usual modules.
    `version_scheme` is that of the run's tasks, from which keys follow; `reply_scheme` is how the
    programs of replies are found. `bounds` are those of
    normalised values, as its intervals know of them. `requesters` has one for each of its models.
    `tells_past` says whether improvers can read what became of what they improve.
    """

    run_id: str
    seed: int
    limits: ImproverLimits
    max_tokens: int
    requesters: Sequence[Requester]
    executor: Executor
    evaluator: Evaluator
    journal: Journal
    ledger: Ledger
    listener: Listener = silent
    guest_limits: GuestLimits = field(default_factory=GuestLimits)
    prompt_bytes: int = 1 << 18
    prompt_chars: int = 0
    modules: tuple[str, ...] = ()
    drawn: dict[tuple[str, str], Usage] = field(default_factory=dict)
    short: set[str | None] = field(default_factory=set)
    history: History = field(default_factory=History)
    version_scheme: int = VERSION_SCHEME
    reply_scheme: int = REPLY_SCHEME
    bounds: Bounds | None = None
    tells_past: bool = False
    now: Callable[[], float] = time.time
    _noticed: set[str] = field(default_factory=set)
    _reader: ReplyReader = field(init=False)
    _occurrences: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._reader = ReplyReader(self.executor, self.notice)

    def key(self, parent: str, *path: str | int) -> str:
        """The key of a child of `parent`, which tells identical siblings apart.

        They may swap places between two runs, which changes nothing: they are identical.
        """
        base = make_key(parent, *path)
        occurrence = self._occurrences[base]
        self._occurrences[base] += 1
        return make_key(base, occurrence)

    @property
    def model(self) -> LanguageModel:
        """The model M of Algorithm 1, which of several is the first; requests go through
        `requesters`, and whether one of them goes to another is no matter of the algorithm."""
        return self.requesters[0].model

    @property
    def several(self) -> tuple[str, ...]:
        """Names of the run's models, where it has more than one."""
        names = tuple(one.name for one in self.requesters)
        return names if len(names) > 1 else ()

    @property
    def root(self) -> str:
        """The key of the run itself; the same for equal runs."""
        return make_key("run", self.seed)

    def most(self, improver_runs: int) -> Amounts:
        """What so many improver runs can take, requests that fail apart: all that their limits
        allow, each response to a message of its own that is as long as can be, from the dearest
        model."""
        calls = improver_runs * self.limits.calls
        worst = (
            worst_case(asked.model, self.prompt_bytes, self.max_tokens).of(1)
            for asked in self.requesters
        )
        one = max(worst, key=lambda amounts: amounts.usd)
        most = NOTHING.plus(one, calls * self.limits.samples_per_call)
        return replace(most, lm_calls=calls)

    def record(self, body: Body, key: str, texts: tuple[str, ...] = ()) -> None:
        if not self.history.holds(body.kind, key):
            self.journal.append(self.run_id, body, key, texts)

    async def read_replies(
        self, key: str, improver_run: str, wanted: Wanted, message: str, drawn: Drawn, model: str
    ) -> None:
        """Keep what the responses to a prompt hold; older runs did not."""
        own = replies_key(key, len(drawn.texts))
        if self.reply_scheme < 2 or self.history.holds(Replies.kind, own) or not drawn.texts:
            return
        shown, readings = await read_drawn(self._reader, wanted, message, drawn)
        self._reader.count(readings)
        programs = [one.program for one in readings if one.program is not None]
        texts = (*programs, *([shown] if shown is not None else ()))
        told = model if self.several else ""
        self.record(as_event(improver_run, key, shown, readings, told), own, texts)

    async def programs_in(self, entry: str, message: str, texts: Sequence[str]) -> list[str | None]:
        """The programs of responses to a prompt, as improvers are given them."""
        if self.reply_scheme < 2:
            return [largest_block(text) for text in texts]
        _, readings = await self._reader.read(Wanted(entry), message, texts)
        return [one.program for one in readings]

    def notice(self, text: str) -> None:
        """Tell the user, once, also whoever looks later."""
        if text not in self._noticed:
            self._noticed.add(text)
            self.record(Notice(text), make_key(self.root, "notice", text))
            self.tell("notice", detail=text)

    def begin(self, phase: Phase) -> None:
        """Tell the user what is done from now on, also whoever looks later."""
        key = make_key(self.root, "phase", phase.name, phase.detail, phase.baseline)
        self.record(phase, key)
        self.tell("phase", **as_json(phase))

    @contextmanager
    def improver_run(self, role: str, **facts: object) -> Iterator[None]:
        """Tell that an improver run has started, and if it is cut; its end is told by others."""
        self.tell("improver_run_started", role=role, **facts)
        try:
            yield
        except BaseException:
            self.tell("improver_run_cut", role=role)
            raise

    def tell(self, kind: ProgressKind, **facts: object) -> None:
        self.listener(Progress(kind, facts))
