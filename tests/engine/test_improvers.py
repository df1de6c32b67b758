"""The shipped baselines: they spend their calls, score what they draw, and return the best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count

import numpy as np
import pytest
from engine_support import CountedUtility, LoggedModel, World, make_context

from selftaught.core.budget import ImproverLimits
from selftaught.core.language_model import Prompt
from selftaught.core.outcome import Failed
from selftaught.core.program import Program
from selftaught.core.task import Task
from selftaught.core.utility import SandboxedProgram
from selftaught.engine.context import RunContext
from selftaught.engine.invoke import SandboxedImprover
from selftaught.engine.utilities import TaskUtility
from selftaught.models.mutator import Mutator
from selftaught.studies.improvers import improver_names, load_improver
from selftaught.studies.stop.baselines import SHIPPED

SEED = "def algorithm():\n    return 0"
# One call of one batch, as in the paper; all others go on to their limits.
ONE_CALL = ("chain_of_thought", "seed")
LONGER = [name for name in improver_names() if name not in ONE_CALL]
BATCHED = [name for name in LONGER if name != "earlier_seed"]
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
    world: World,
    name: str,
    answer: Callable[[Prompt], Sequence[str]],
    cap: int | None = None,
    limits: ImproverLimits | None = None,
) -> tuple[Program | Failed, LoggedModel, CountedUtility]:
    model, u = LoggedModel(answer), CountedUtility(value=worth)
    context = make_context(world.executor, model, limits=limits)
    again = SandboxedImprover(context, load_improver(name), "restart", samples_cap=cap)
    result, usage = world.run(again.run(u, Program(SEED)))
    assert usage.samples == sum(prompt.n for prompt in model.prompts)
    return result, model, u


def test_all_baselines_are_shipped_improvers() -> None:
    assert set(SHIPPED) < set(improver_names())


@pytest.mark.parametrize("name", BATCHED)
def test_all_calls_are_spent_every_program_is_scored_and_the_best_comes_back(
    world: World, name: str
) -> None:
    result, model, u = improved(world, name, drawing(WORTHS))
    assert sum(prompt.n for prompt in model.prompts) == 24
    assert sorted(u.asked) == sorted([SEED, *map(program, WORTHS)])
    assert result == Program(program(24))


class _Watched(TaskUtility):
    """A task's utility that remembers what each program was worth."""

    def __init__(self, context: RunContext, task: Task) -> None:
        super().__init__(context, task, "search", "0")
        self.scored: list[tuple[Program, float]] = []

    async def query(self, program: Program) -> tuple[float, str]:
        value, said = await super().query(program)
        self.scored.append((program, value))
        return value, said


def _nearness(program: SandboxedProgram, rng: np.random.Generator) -> float:
    """How near to a hundred it comes."""
    return 1.0 / (1.0 + abs(float(program(cpu_s=0.1)) - 100.0))


CHEAP = Task("cheap", "def algorithm():\n    return 1 + 2 * 3 + 4 * 5", _nearness, range=(0.0, 1.0))


@pytest.mark.parametrize(
    "limits", [ImproverLimits(), ImproverLimits(40, 6, 201)], ids=["small", "large"]
)
@pytest.mark.parametrize("name", improver_names())
def test_on_a_task_what_comes_back_was_scored_and_is_no_worse_and_nothing_was_drawn_in_vain(
    world: World, name: str, limits: ImproverLimits
) -> None:
    task = CHEAP
    context = make_context(world.executor, Mutator(world.executor), limits=limits)
    u = _Watched(context, task)
    again = SandboxedImprover(context, load_improver(name), "inner")
    result, usage = world.run(again.run(u, task.seed_program()))
    values = dict(u.scored)
    assert isinstance(result, Program)
    assert values[result] == max(values.values())
    if name in LONGER:
        assert values[result] >= values[task.seed_program()]
        most = limits.calls * (1 if name == "earlier_seed" else limits.samples_per_call)
        enough = min(most, limits.utility_uses - 1)
        if name == "evolve":  # what it has seen it does not score again, and draws something else
            assert enough <= usage.samples <= most
            assert len(values) == len(u.scored) <= limits.utility_uses
            return
        assert usage.samples == enough
    assert len(u.scored) == usage.samples + (name in LONGER)


@pytest.mark.parametrize("name", LONGER)
def test_replies_without_a_program_leave_the_program_as_it_is(world: World, name: str) -> None:
    result, model, u = improved(world, name, lambda prompt: ["I would rather not."] * prompt.n)
    assert result == Program(SEED)
    assert u.asked == [SEED]
    assert sum(prompt.n for prompt in model.prompts) == (4 if name == "earlier_seed" else 24)


@pytest.mark.parametrize("name", LONGER)
def test_one_use_of_the_utility_is_for_the_program_to_begin_with(world: World, name: str) -> None:
    limits = ImproverLimits(calls=3, samples_per_call=5, utility_uses=1, cpu_s=20.0)
    result, model, u = improved(world, name, drawing(WORTHS), limits=limits)
    assert (result, u.asked, model.prompts) == (Program(SEED), [SEED], [])


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


@pytest.mark.parametrize("name", BATCHED)
def test_when_no_more_may_be_drawn_the_best_so_far_counts(world: World, name: str) -> None:
    result, model, _ = improved(world, name, drawing(WORTHS), cap=8)
    assert sum(prompt.n for prompt in model.prompts) == 8
    assert result == Program(program(12))


def test_sequential_shows_what_was_tried_and_what_it_is_worth(world: World) -> None:
    _, model, _ = improved(world, "sequential", drawing(WORTHS))
    assert "Scored 0:\n```python\n" + SEED in model.prompts[0].user
    for one in WORTHS[:6]:
        assert f"Scored {one}:\n```python\n{program(one)}\n" in model.prompts[1].user


def test_sequential_asks_one_by_one_where_the_calls_suffice(world: World) -> None:
    limits = ImproverLimits(calls=30, samples_per_call=6, utility_uses=25, cpu_s=20.0)
    _, model, _ = improved(world, "sequential", drawing(WORTHS), limits=limits)
    assert [prompt.n for prompt in model.prompts] == [1] * 24


def test_beam_search_goes_on_from_the_three_best(world: World) -> None:
    _, model, _ = improved(world, "beam_search", drawing(WORTHS))
    second = model.prompts[1:4]
    assert [prompt.n for prompt in second] == [2, 2, 2]
    for prompt, one in zip(second, (9, 5, 4), strict=True):
        assert f"```python\n{program(one)}\n```" in prompt.user


def test_the_genetic_algorithm_shows_two_parents_and_edits_nothing_itself(world: World) -> None:
    _, model, u = improved(world, "genetic", drawing(WORTHS))
    first, *later = model.prompts
    assert first.user.count("    return ") == 1
    assert all(prompt.user.count("    return ") == 2 for prompt in later)
    assert {*u.asked} == {SEED, *map(program, WORTHS)}


def test_the_bandit_asks_most_for_what_has_helped(world: World) -> None:
    def answer(prompt: Prompt) -> list[str]:
        helps = "simpler and faster" in prompt.user
        return [f"```python\n{program(next(better) if helps else 0)}\n```" for _ in range(prompt.n)]

    better = count(1)
    limits = ImproverLimits(calls=20, samples_per_call=5, utility_uses=101, cpu_s=20.0)
    _, model, _ = improved(world, "bandit", answer, limits=limits)
    asked = Counter[str]()
    for prompt in model.prompts:
        asked[prompt.user.partition("entry function. ")[2]] += prompt.n
    (most, times), (_, others) = asked.most_common(2)
    assert "simpler and faster" in most
    assert len(asked) == 5
    assert times > 2 * others


def test_annealing_goes_on_from_a_worse_program_early_and_returns_the_best(world: World) -> None:
    def answer(prompt: Prompt) -> list[str]:
        return [f"```python\n# {next(another)}\n{program(-1)}\n```" for _ in range(prompt.n)]

    another = count()
    limits = ImproverLimits(calls=50, samples_per_call=1, utility_uses=51, cpu_s=20.0)
    result, model, _ = improved(world, "annealing", answer, limits=limits)
    went_on_from_worse = ["# " in prompt.user for prompt in model.prompts]
    assert went_on_from_worse.index(True) < 25
    assert result == Program(SEED)


def test_the_earlier_seed_improver_asks_for_one_version_after_the_other(world: World) -> None:
    result, model, _ = improved(world, "earlier_seed", drawing(WORTHS))
    assert [prompt.n for prompt in model.prompts] == [1, 1, 1, 1]
    assert len({prompt.user for prompt in model.prompts}) == 1
    assert result == Program(program(9))


@pytest.mark.parametrize("name", BATCHED)
def test_what_is_no_better_or_no_program_leaves_the_program_as_it_is(
    world: World, name: str
) -> None:
    def answer(prompt: Prompt) -> list[str]:
        replies = ["I would rather not.", f"```\n{program(0)}\n```"]
        return [replies[next(place) % 2] for _ in range(prompt.n)]

    place = count()
    result, _, u = improved(world, name, answer)
    assert result == Program(SEED)
    assert set(u.asked) == {SEED, program(0)}
