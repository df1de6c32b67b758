"""Whatever a utility or a provider says is text to everybody else, and ends no run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from engine_support import FakeExecutor, LoggedModel, MemoryJournal, World, improver, make_context
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from test_resume import Kept

from journal_support import put
from sandbox_support import HONEST
from selftaught.core.errors import ModelFailure
from selftaught.core.language_model import Completions
from selftaught.core.outcome import EvaluationOutcome, Failed
from selftaught.core.program import Program, content_id
from selftaught.core.task import Measure, ProgramFailed, SandboxedProgram, Task
from selftaught.core.text import clean
from selftaught.engine.history import History
from selftaught.engine.recall import recall
from selftaught.engine.utilities import TaskUtility
from selftaught.journal.events import LmAnswer
from selftaught_guest import wire

# Any text at all, with halves of characters among it more often than chance would have it.
TEXTS = st.lists(
    st.one_of(st.integers(0xD800, 0xDFFF), st.integers(0, 0x10FFFF)).map(chr), max_size=8
).map("".join)


def says(text: str) -> list[Any]:
    """Utilities that say it, each in another way."""

    def feeds_back(program: SandboxedProgram, rng: np.random.Generator) -> Measure:
        return Measure(float(program(0.25)), feedback=text, metrics={text: 1.0})

    def raises(program: SandboxedProgram, rng: np.random.Generator) -> float:
        program(1)
        raise ValueError(text)

    def raises_one_with_its_name(program: SandboxedProgram, rng: np.random.Generator) -> float:
        program(1)
        raise type("Odd" + text.replace("\0", ""), (Exception,), {})

    def fails(program: SandboxedProgram, rng: np.random.Generator) -> float:
        raise ProgramFailed(Failed("raised", text))

    def returns(program: SandboxedProgram, rng: np.random.Generator) -> Any:
        program(1)
        return text

    return [feeds_back, raises, raises_one_with_its_name, fails, returns]


def in_json(value: Any) -> list[str]:
    """All texts in it."""
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in in_json(one)]
    if isinstance(value, list):
        return [text for one in value for text in in_json(one)]
    return [value] if isinstance(value, str) else []


@given(TEXTS)
@settings(max_examples=20, deadline=None)
def test_what_a_utility_says_can_be_framed_and_written_however_it_says_it(text: str) -> None:
    async def run(utility: Any) -> None:
        task = Task("mine", None, utility, (0.0, 1.0), description=text)
        context = make_context(FakeExecutor(lambda x: x))
        u = TaskUtility(context, task, "search", "0")
        wire.pack([u.description, *await u.query(Program(HONEST))])
        journal = context.journal
        assert isinstance(journal, MemoryJournal)
        for said in in_json(journal.of("evaluation")):
            said.encode()

    for utility in says(text):
        asyncio.run(run(utility))


@given(TEXTS)
@settings(max_examples=50, deadline=None)
def test_what_a_provider_says_is_clean_as_soon_as_it_is_said(text: str) -> None:
    answer = Completions((text, "b"), None, text, finishes=(text,), notice=text)
    failure = ModelFailure(text, kind="fault", notice=text)
    for said in (*answer.texts, answer.model, *answer.finishes, answer.notice):
        said.encode()
    for said in (str(failure), failure.notice):
        said.encode()
    assert answer.texts == (clean(text), "b")


@given(st.text())
def test_text_that_is_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TEXTS)
def test_an_improver_gets_the_same_text_from_a_model_and_from_an_older_journal(
    world: World, text: str
) -> None:
    """Older journals hold the texts as the provider sent them."""
    source = """
def improve_algorithm(initial_solution, utility, language_model):
    return repr(language_model.prompt("e", "m", n_responses=2))
"""

    def run(model: LoggedModel, journal: Kept | None) -> tuple[str, Kept]:
        kept = Kept()
        context = make_context(world.executor, model)
        context.journal = kept
        if journal is not None:
            context.history = History(journal.memory(everything=True))
        task = Task("mine", HONEST, lambda program, rng: 0.5, description="d")
        u = TaskUtility(context, task, "search", "0")
        result, _ = world.run(improver(context, source).run(u, Program(HONEST)))
        assert isinstance(result, Program)
        return result.source, kept

    def raw(journal: Kept) -> Kept:
        """As it was, with what the provider sent, and cut before the end."""
        older = Kept(texts=journal.texts | {content_id(text): text})
        for event in journal.events:
            body = event.body
            if isinstance(body, LmAnswer):
                body = replace(body, texts=(content_id(text),) * 2)
            if event.kind != "invocation_end":
                older.append("run", body, event.key)
        return older

    def none(prompt: Any) -> Sequence[str]:
        raise AssertionError("it was asked again")

    first, journal = run(LoggedModel(lambda prompt: [text] * prompt.n), None)
    assert first == repr([clean(text)] * 2)
    assert run(LoggedModel(none), raw(journal))[0] == first


def test_an_older_journal_may_hold_what_a_utility_said() -> None:
    body = {
        **{"kind": "scored", "value": 1.0, "feedback": "\ud800", "per_instance": []},
        **{"metrics": {"\udfff": 2.0}, "cpu_s": 0.0, "tier": "fake"},
    }
    kept = Kept()
    put(kept, "run", "evaluation", "key", body)
    outcome: EvaluationOutcome = recall(kept.events, lambda ids: {}).evaluations["key"]
    assert (outcome.feedback, outcome.metrics) == ("?", {"?": 2.0})  # type: ignore[union-attr]
