"""The shipped baselines: they spend their calls, score what they draw, and return the best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import pytest
from engine_support import CountedUtility, LoggedModel, World, make_context

from selftaught.core.language_model import Prompt
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.engine.invoke import SandboxedImprover
from selftaught.studies.improvers import improver_names, load_improver
from selftaught.studies.stop.baselines import SHIPPED

SEED = "def algorithm():\n    return 0"
# In the order in which they come: the best is neither the first nor the last of any call.
WORTHS = [3, 9, 4, 1, 2, 5, 7, 12, 8, 6, 11, 10, 14, 21, 13, 20, 15, 16, 19, 24, 17, 18, 23, 22]


def program(worth: int) -> str:
    return f"def algorithm():\n    return {worth}"


def worth(source: str) -> float:
    return float(source.split()[-1])


def drawing(worths: Sequence[int]) -> Callable[[Prompt], list[str]]:
    """Replies with one program after the other, each in its fence."""
    next_one = count()
    return lambda prompt: [
        f"So:\n```python\n{program(worths[next(next_one)])}\n```" for _ in range(prompt.n)
    ]


def improved(
    world: World, name: str, answer: Callable[[Prompt], Sequence[str]], cap: int | None = None
) -> tuple[Program | Failed, LoggedModel, CountedUtility]:
    model, u = LoggedModel(answer), CountedUtility(value=worth)
    context = make_context(world.executor, model)
    again = SandboxedImprover(context, load_improver(name), "restart", samples_cap=cap)
    result, usage = world.run(again.run(u, Program(SEED)))
    assert usage.samples == sum(prompt.n for prompt in model.prompts)
    return result, model, u


def test_all_baselines_are_shipped_improvers() -> None:
    assert set(SHIPPED) < set(improver_names())


@pytest.mark.parametrize("name", ["greedy", "best_of_n"])
def test_all_calls_are_spent_every_program_is_scored_and_the_best_comes_back(
    world: World, name: str
) -> None:
    result, model, u = improved(world, name, drawing(WORTHS))
    assert [prompt.n for prompt in model.prompts] == [6, 6, 6, 6]
    assert sorted(u.asked) == sorted([SEED, *map(program, WORTHS)])
    assert result == Program(program(24))


def test_chain_of_thought_is_one_call_that_asks_for_thinking(world: World) -> None:
    result, model, u = improved(world, "chain_of_thought", drawing(WORTHS))
    (prompt,) = model.prompts
    assert (prompt.n, prompt.temperature) == (6, 0.7)
    assert "step by step" in prompt.user
    assert SEED in prompt.user
    assert u.description in prompt.user
    assert u.asked == [program(one) for one in WORTHS[:6]]
    assert result == Program(program(9))


def test_chain_of_thought_is_the_seed_improver_but_for_its_words(world: World) -> None:
    def code_of(name: str) -> tuple[str, str]:
        _, _, before_message, _, after_message = load_improver(name).source.split('"""')
        return before_message, after_message

    assert code_of("chain_of_thought") == code_of("seed")


def test_greedy_goes_on_from_the_best_so_far(world: World) -> None:
    _, model, _ = improved(world, "greedy", drawing(WORTHS))
    shown = [SEED, *(program(max(WORTHS[: 6 * calls])) for calls in (1, 2, 3))]
    for prompt, best in zip(model.prompts, shown, strict=True):
        assert f"```python\n{best}\n```" in prompt.user


def test_best_of_n_asks_the_same_again_and_again(world: World) -> None:
    _, model, _ = improved(world, "best_of_n", drawing(WORTHS))
    assert len({prompt.user for prompt in model.prompts}) == 1
    assert SEED in model.prompts[0].user


@pytest.mark.parametrize("name", ["greedy", "best_of_n"])
def test_when_no_more_may_be_drawn_the_best_so_far_counts(world: World, name: str) -> None:
    result, model, _ = improved(world, name, drawing(WORTHS), cap=8)
    assert [prompt.n for prompt in model.prompts] == [6, 2]
    assert result == Program(program(12))


@pytest.mark.parametrize("name", ["greedy", "best_of_n"])
def test_what_is_no_better_or_no_program_leaves_the_program_as_it_is(
    world: World, name: str
) -> None:
    def answer(prompt: Prompt) -> list[str]:
        return ["I would rather not.", f"```\n{program(0)}\n```"] * (prompt.n // 2)

    result, _, u = improved(world, name, answer)
    assert result == Program(SEED)
    assert set(u.asked) == {SEED, program(0)}
