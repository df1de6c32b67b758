"""Algorithm 1 and its acceptance policies, with improvers whose worth is known beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from selftaught.acceptance import POLICIES, paper, policy, revert, strict
from selftaught.algorithm import Archive, Decision, Rest, Tried, stop
from selftaught.core.errors import BudgetExceeded, ConfigError
from selftaught.core.language_model import LanguageModel
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.core.seeds import Stream
from selftaught.meta_utility import Improver, MetaScore, MetaUtility
from selftaught.selection import Latest, clade_of, selection


class NoModel:
    """M: never asked here."""


MODEL = NoModel()


@dataclass(eq=False)
class Scripted:
    """An improver that answers with what it was told to."""

    name: str
    answers: list[str | Failed] = field(default_factory=list)
    log: list[Any] = field(default_factory=list)

    @property
    def program(self) -> Program:
        return Program(self.name)

    async def __call__(self, u: Any, s: Program, M: LanguageModel) -> Program | Failed:  # noqa: N803
        self.log.append(("improve", self.name, u, s.source, M))
        answer = self.answers.pop(0)
        return answer if isinstance(answer, Failed) else Program(answer)


@dataclass
class Worth:
    """A utility that knows what each program is worth."""

    values: Mapping[str, float]
    log: list[Any] = field(default_factory=list)

    async def __call__(self, s: Program) -> float:
        self.log.append(s.source)
        return self.values[s.source]


class KnownMetaUtility(MetaUtility):
    """A meta-utility with values that were written down; says what it was asked."""

    def __init__(self, values: Mapping[str, Sequence[float]], log: list[Any] | None = None) -> None:
        super().__init__([], MODEL, {"search": 1, "val": 1, "test": 1})
        self.values = values
        self.log: list[Any] = [] if log is None else log

    async def score(self, I: Improver, stream: Stream) -> MetaScore:  # noqa: E741, N803
        self.log.append(("score", I.program.source, stream))
        return MetaScore({"task": tuple(self.values[I.program.source])})


def decide(
    accept: Any, values: Mapping[str, Sequence[float]], proposal: str | Failed = "new"
) -> tuple[Decision, KnownMetaUtility]:
    u_meta = KnownMetaUtility(values)
    proposed = proposal if isinstance(proposal, Failed) else Scripted(proposal)
    return asyncio.run(accept(Scripted("old"), proposed, u_meta)), u_meta


BETTER = {"old": [0.5, 0.4, 0.6], "new": [0.7, 0.35, 0.8]}
WORSE = {"old": [0.7, 0.4, 0.6], "new": [0.5, 0.45, 0.5]}
EQUAL = {"old": [0.5, 0.25], "new": [0.25, 0.5]}
WORTHLESS = {"old": [0.0, 0.0], "new": [0.0, 0.0]}


@pytest.mark.parametrize(
    ("name", "values", "accepted"),
    [
        ("strict", BETTER, True),
        ("strict", WORSE, False),
        ("strict", EQUAL, False),
        ("strict", WORTHLESS, False),
        ("revert", BETTER, True),
        ("revert", WORSE, True),
        ("revert", EQUAL, True),
        ("revert", WORTHLESS, False),
        ("paper", BETTER, True),
        ("paper", WORSE, True),
        ("paper", EQUAL, True),
        ("paper", WORTHLESS, True),
    ],
)
def test_what_each_policy_adopts(
    name: str, values: Mapping[str, Sequence[float]], accepted: bool
) -> None:
    decision, u_meta = decide(policy(name, 4, 180), values)
    assert decision.accepted is accepted
    assert decision.improver.program.source == ("new" if accepted else "old")
    assert decision.reason
    assert {asked[2] for asked in u_meta.log} == {"val"}, "nothing else decides, test least of all"


def test_the_difference_is_paired_and_told_with_its_interval() -> None:
    decision, _ = decide(strict, BETTER)
    assert decision.val_difference is not None
    assert decision.val_difference.mean == pytest.approx((0.2 - 0.05 + 0.2) / 3)
    assert decision.val_difference.n == 3
    assert decision.val_difference.ci95 is not None


EACH_POLICY = {**POLICIES, "certified": policy("certified", 4, 180)}


@pytest.mark.parametrize("accept", EACH_POLICY.values(), ids=EACH_POLICY.keys())
def test_a_failed_improver_run_changes_nothing_under_any_policy(accept: Any) -> None:
    decision, u_meta = decide(accept, {}, Failed("raised", "KeyError: 'x'\n  line 3"))
    assert (decision.accepted, decision.improver.program.source) == (False, "old")
    assert decision.val_difference is None
    assert "raised: KeyError: 'x'" in decision.reason
    assert "\n" not in decision.reason
    assert u_meta.log == [], "nothing is spent on it"


@pytest.mark.parametrize("accept", EACH_POLICY.values(), ids=EACH_POLICY.keys())
def test_the_same_program_is_no_proposal_under_any_policy(accept: Any) -> None:
    decision, u_meta = decide(accept, {}, "old")
    assert (decision.accepted, decision.improver.program.source) == (False, "old")
    assert decision.reason == "the same program"
    assert u_meta.log == []


def test_an_unknown_policy_is_named_with_those_that_there_are() -> None:
    assert [policy(name, 4, 180) for name in POLICIES] == [strict, revert, paper]
    with pytest.raises(ConfigError, match=r"'lenient'.*strict, revert, paper, certified"):
        policy("lenient", 4, 180)


# --- the meta-utility ---------------------------------------------------------------------------


@dataclass
class Pair:
    """A downstream pair (u, s) whose utilities are told."""

    name: str
    worth: Mapping[str, float]
    log: list[Any] = field(default_factory=list)

    @property
    def s(self) -> Program:
        return Program(f"seed of {self.name}")

    def searched(self, stream: Stream, run: int) -> Worth:
        self.log.append(("searched", stream, run))
        return Worth({})

    def judged(self, stream: Stream, run: int) -> Worth:
        self.log.append(("judged", stream, run))
        return Worth(self.worth)


def test_the_meta_utility_is_the_mean_over_tasks_and_runs_with_failures_worth_0() -> None:
    first = Pair("first", {"good": 0.8, "fair": 0.4})
    second = Pair("second", {"good": 1.0, "fair": 0.0})
    u_meta = MetaUtility([first, second], MODEL, {"search": 3, "val": 1, "test": 1})
    improver = Scripted("I", ["good", Failed("timeout"), "fair", "good", "good", Failed("raised")])
    score = asyncio.run(u_meta.score(improver, "search"))
    assert score.values == {"first": (0.8, 0.0, 0.4), "second": (1.0, 1.0, 0.0)}
    assert score.estimate.mean == pytest.approx((0.4 + 2 / 3) / 2)
    assert score.estimate.n == 6


def test_each_run_searches_and_is_judged_on_instances_of_its_own_and_gets_the_model() -> None:
    pair = Pair("pair", {"good": 1.0})
    u_meta = MetaUtility([pair], MODEL, {"search": 1, "val": 2, "test": 1})
    improver = Scripted("I", ["good", "good"])
    asyncio.run(u_meta.score(improver, "val"))
    assert sorted(pair.log) == [
        ("judged", "val", 0),
        ("judged", "val", 1),
        ("searched", "val", 0),
        ("searched", "val", 1),
    ]
    assert [(entry[3], entry[4]) for entry in improver.log] == [("seed of pair", MODEL)] * 2


def test_a_failed_run_is_not_judged() -> None:
    pair = Pair("pair", {})
    u_meta = MetaUtility([pair], MODEL, {"search": 1, "val": 1, "test": 1})
    score = asyncio.run(u_meta.score(Scripted("I", [Failed("memory")]), "test"))
    assert score.values == {"pair": (0.0,)}
    assert pair.log == [("searched", "test", 0)]


# --- Algorithm 1 --------------------------------------------------------------------------------


def run_stop(
    answers: Mapping[str, list[str | Failed]],
    accept: Any,
    iterations: int,
    worth: Mapping[str, float] | None = None,
    select: str = "latest",
    proposals: int = 1,
) -> tuple[Improver, list[Any]]:
    """The final improver, and everything that happened in order."""
    log: list[Any] = []
    u_queried = Worth({})
    by_order = {name: float(index) for index, name in enumerate(answers)}
    known = {name: [value] * 2 for name, value in (by_order | dict(worth or {})).items()}

    def build(program: Program) -> Scripted:
        return Scripted(program.source, list(answers[program.source]), log)

    async def report(t: int, improver: Improver, tried: Sequence[Tried]) -> Rest:
        said: list[Any] = [None, None] if not tried else []
        for one in tried:
            made = one.proposal
            said.append(made.kind if isinstance(made, Failed) else made.program.source)
            said.append(one.decision.accepted)
        log.append(("report", t, improver.program.source, *said))
        return rest(t)

    async def rest(t: int) -> None:
        left.append(t)
        await asyncio.sleep(0)  # the next step goes on
        left.remove(t)

    left: list[int] = []
    first = build(Program(next(iter(answers))))
    u_meta = KnownMetaUtility(known, log)
    chosen = selection(select, u_meta, proposals, 7)
    parts: Any = {"build": build, "select": chosen, "accept": accept, "report": report}
    final = asyncio.run(stop(first, u_meta, u_queried, MODEL, iterations, **parts))
    assert left == [], "what a report leaves to be done is done"
    for entry in log:
        if entry[0] == "improve":
            assert entry[2] is u_queried, "an improver of improvers queries the search stream"
            assert select == "novel" or entry[3] == entry[1], "it improves itself"
            assert entry[4] is MODEL
    return final, [entry[:2] if entry[0] == "improve" else entry for entry in log]


def test_each_improver_improves_itself_and_the_next_is_its_proposal() -> None:
    final, log = run_stop({"I0": ["I1"], "I1": ["I2"], "I2": []}, strict, 2)
    assert final.program.source == "I2"
    assert log == [
        ("report", 0, "I0", None, None),
        ("improve", "I0"),
        ("score", "I0", "val"),
        ("score", "I1", "val"),
        ("report", 1, "I1", "I1", True),
        ("improve", "I1"),
        ("score", "I1", "val"),
        ("score", "I2", "val"),
        ("report", 2, "I2", "I2", True),
    ]


def test_after_a_refused_proposal_the_incumbent_goes_on() -> None:
    final, log = run_stop({"I0": ["low", "I1"], "I1": [], "low": []}, strict, 2, {"low": -1.0})
    assert final.program.source == "I1"
    assert [entry for entry in log if entry[0] == "report"] == [
        ("report", 0, "I0", None, None),
        ("report", 1, "I0", "low", False),
        ("report", 2, "I1", "I1", True),
    ]


def test_with_no_iterations_only_the_seed_is_reported() -> None:
    final, log = run_stop({"I0": []}, strict, 0)
    assert final.program.source == "I0"
    assert log == [("report", 0, "I0", None, None)]


def test_a_failed_proposal_is_reported_and_the_incumbent_tries_again() -> None:
    final, log = run_stop({"I0": [Failed("crashed"), "I0", "I1"], "I1": []}, strict, 3)
    assert final.program.source == "I1"
    assert [entry for entry in log if entry[0] == "report"] == [
        ("report", 0, "I0", None, None),
        ("report", 1, "I0", "crashed", False),
        ("report", 2, "I0", "I0", False),
        ("report", 3, "I1", "I1", True),
    ]


def test_what_a_report_leaves_to_be_done_is_done_though_the_budget_ends_the_next_step() -> None:
    done: list[int] = []

    @dataclass(eq=False)
    class Spent(Scripted):
        async def __call__(self, u: Any, s: Program, M: LanguageModel) -> Program | Failed:  # noqa: N803
            raise BudgetExceeded("samples", 4, 4, "run")

    async def rest(t: int) -> None:
        await asyncio.sleep(0)
        done.append(t)

    async def report(t: int, *said: Any) -> Rest:
        return rest(t)

    def build(program: Program) -> Improver:
        return Spent(program.source)

    with pytest.raises(BudgetExceeded, match="samples"):
        asyncio.run(
            stop(
                build(Program("I0")),
                KnownMetaUtility({}),
                Worth({}),
                MODEL,
                2,
                build=build,
                select=Latest(),
                accept=strict,
                report=report,
            )
        )
    assert done == [0]


# --- an archive ---------------------------------------------------------------------------------


def improved(log: Sequence[Any]) -> list[str]:
    return [entry[1] for entry in log if entry[0] == "improve"]


def test_of_several_proposals_of_a_step_the_one_furthest_ahead_stands() -> None:
    answers = {"I0": ["low", "I1", "I2"], "I1": [], "I2": [], "low": []}
    final, log = run_stop(answers, strict, 1, {"low": -1.0}, proposals=3)
    assert final.program.source == "I2"
    assert log[-1] == ("report", 1, "I2", "low", False, "I1", True, "I2", True)


def test_the_best_by_its_lower_end_proposes_and_the_result_is_the_best_by_val() -> None:
    answers = {"I0": ["sure", "wide"], "sure": ["sure"], "wide": []}
    u_meta = KnownMetaUtility(
        {"I0": [0.1, 0.2, 0.3], "sure": [0.5, 0.52, 0.51], "wide": [0.1, 0.9, 0.8]}
    )
    log: list[Any] = []

    def build(program: Program) -> Scripted:
        return Scripted(program.source, list(answers[program.source]), log)

    async def report(t: int, improver: Improver, tried: Sequence[Tried]) -> Rest:
        log.append(("stands", improver.program.source))
        return asyncio.sleep(0)

    parts: Any = {"build": build, "select": selection("best", u_meta, 2, 7), "accept": strict}
    answers["sure"].append("sure")
    first = build(Program("I0"))
    final = asyncio.run(stop(first, u_meta, Worth({}), MODEL, 2, **parts, report=report))
    assert improved(log) == ["I0", "I0", "sure", "sure"], "wide has the lower end of 0.6 +- 1.1"
    assert [entry[1] for entry in log if entry[0] == "stands"] == ["I0", "wide", "wide"]
    assert final.program.source == "wide"


def test_what_least_was_tried_from_is_improved_by_the_best() -> None:
    answers = {"I0": ["I1"], "I1": [Failed("raised"), "I2", Failed("raised")], "I2": ["I2"]}
    _, log = run_stop(answers, strict, 4, select="novel")
    assert improved(log) == ["I0", "I1", "I1", "I2"]


def tried(t: int, parent: str, child: str | Failed, *, accepted: bool) -> Tried:
    old = Scripted(parent)
    new: Any = child if isinstance(child, Failed) else Scripted(child)
    decision = Decision(new if accepted else old, accepted, None, "so it was")
    return Tried(t, old, old, new, decision)


def test_a_clade_is_all_that_was_tried_from_a_member_on() -> None:
    archive = Archive(
        Scripted("I0"),
        [
            tried(1, "I0", "a", accepted=True),
            tried(1, "I0", "b", accepted=True),
            tried(2, "a", "c", accepted=True),
            tried(3, "c", "d", accepted=False),
            tried(3, "b", Failed("raised"), accepted=False),
            tried(4, "b", "c", accepted=True),  # found again
            tried(5, "c", "e", accepted=False),
        ],
    )
    assert [one.program.source for one in archive.members] == ["I0", "a", "b", "c"]
    sizes = {one.program.source: len(clade_of(archive, one)) for one in archive.members}
    assert sizes == {"I0": 7, "a": 3, "b": 3, "c": 2}


def test_turns_are_drawn_by_what_came_of_a_clade_and_the_same_for_the_same_seed() -> None:
    archive = Archive(
        Scripted("I0"),
        [
            tried(1, "I0", "good", accepted=True),
            tried(1, "I0", "fair", accepted=True),
            tried(1, "I0", "poor", accepted=True),
            *(tried(t, "poor", Failed("raised"), accepted=False) for t in range(2, 12)),
        ],
    )
    known = {"I0": [0.5] * 10, "good": [0.6] * 10, "poor": [0.6] * 10}
    values = known | {"fair": [0.4, *[0.6] * 9]}

    async def choose(chosen: Any) -> Any:
        return await chosen(archive, 12)

    def turns(seed: int) -> list[str]:
        chosen = selection("thompson", KnownMetaUtility(values), 50, seed)
        found: Any = asyncio.run(choose(chosen))
        assert all(proposer is of for proposer, of in found)
        return [of.program.source for _, of in found]

    assert turns(3) == turns(3) != turns(4)
    # good: Beta(11, 1), fair: Beta(10, 2). poor: Beta(11, 101); I0: Beta(35, 107), being all.
    assert set(turns(3)) == {"good", "fair"}
    assert turns(3).count("good") > turns(3).count("fair")


def test_an_unknown_selection_is_named_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'luck'.*latest, best, thompson, novel"):
        selection("luck", KnownMetaUtility({}), 1, 0)
