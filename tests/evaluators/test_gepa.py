"""GEPA's form: texts, examples, and what is known besides a score."""

from __future__ import annotations

from typing import Any

import pytest

import selftaught as st
from selftaught.core.errors import ConfigError
from selftaught.testing.task_conformance import Scorer


def evaluator(candidate: dict[str, str], example: int) -> tuple[float, dict[str, Any]]:
    """As long as the example says."""
    miss = abs(len(candidate["system"]) - example)
    return -miss, {"wanted": example, "scores": {"miss": miss}}


SEED = {"system": "abc", "user": "Say {x}\nnow."}


def test_texts_by_name_are_one_text_and_come_back(score: Scorer) -> None:
    task = st.from_gepa(SEED, evaluator, [3, 5])
    text = task.seed_program().source
    assert text == "=== system ===\nabc\n=== user ===\nSay {x}\nnow."
    assert task.utility.candidate(text) == SEED  # type: ignore[attr-defined]
    outcome = score(task, text.replace("abc", "abcd"))
    assert isinstance(outcome, st.Scored)
    assert outcome.value == -1
    assert outcome.per_instance == (-1, -1)
    assert outcome.metrics == {"miss": 1}
    assert outcome.feedback == "score -1\nwanted: 3\n\nscore -1\nwanted: 5"
    assert "def evaluator" in task.described()


def test_a_text_that_lost_a_part_has_failed_and_says_which(score: Scorer) -> None:
    task = st.from_gepa(SEED, evaluator, [3, 5])
    outcome = score(task, "=== system ===\nabc")
    assert isinstance(outcome, st.Failed)
    assert outcome.detail == "the text has no line `=== user ===`"


def test_many_examples_are_split_into_the_streams(score: Scorer) -> None:
    task = st.from_gepa(SEED, evaluator, range(40))
    outcomes = [score(task, task.seed_program().source, stream=s) for s in ("search", "val")]
    assert [len(one.per_instance) for one in outcomes if isinstance(one, st.Scored)] == [20, 10]


def length(candidate: str) -> float:
    """Its length."""
    return float(len(candidate))


def test_without_a_dataset_the_evaluator_is_given_the_text_alone(score: Scorer) -> None:
    task = st.from_gepa("abc", length, description="The longer the better.")
    outcome = score(task, "abcde")
    assert isinstance(outcome, st.Scored)
    assert outcome.value == 5
    assert task.described() == "The longer the better."


def test_what_is_no_candidate_or_no_evaluator_is_told() -> None:
    with pytest.raises(ConfigError, match="must be a function"):
        st.from_gepa("abc", None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="a text, or texts by names"):
        st.from_gepa({"a\nb": "c"}, length)
    with pytest.raises(ConfigError, match="the dataset is empty"):
        st.from_gepa("abc", length, [])
    with pytest.raises(ConfigError, match="needs a seed"):
        st.Task("text", None, length, kind="text")  # type: ignore[arg-type]


def replies(prompt: st.Prompt) -> list[str]:
    """One reply with a whole text, one with an edit, one with neither."""
    prompts.append(prompt)
    edit = "<<<<<<< SEARCH\nshort\n=======\nrather longer\n>>>>>>> REPLACE"
    return ["Longer.\n~~~~\nfirst line\n```\ncode\n```\nlast line\n~~~~", edit, "No idea."]


prompts: list[st.Prompt] = []


def test_a_text_is_improved_and_never_asked_for_as_python(tmp_path: Any) -> None:
    task = st.from_gepa("short", length, description="The longer the better.")
    result = st.improve(
        task,
        model=replies,
        budget={"lm_calls": 2},
        limits=st.ImproverLimits(calls=2, samples_per_call=3),
        store=f"sqlite:///{tmp_path}/store.db",
        progress=False,
    )
    assert result.source == "first line\n```\ncode\n```\nlast line"
    said = f"{prompts[0].system}\n{prompts[0].user}"
    assert "~~~~\nshort\n~~~~" in said
    assert "The longer the better." in said
    assert not any(word in said for word in ("Python", "python", "entry function", "import"))
