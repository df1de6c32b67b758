"""Each part of a prompt of `evolve` matters: a proposer that needs it finds nothing without it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest
from engine_support import CountedUtility, LoggedModel, MemoryJournal, World, make_context

from selftaught.core.budget import ImproverLimits
from selftaught.core.errors import ModelFailure
from selftaught.core.language_model import Prompt
from selftaught.core.program import IMPROVER_ENTRY, Program
from selftaught.engine.invoke import SandboxedImprover
from selftaught.studies.improvers import load_improver
from selftaught_guest.files import join_files

HIDDEN = (3, 1, 2, 3, 0, 2)
LIMITS = ImproverLimits(calls=60, samples_per_call=4, utility_uses=241)
PARTS = ("said", "best", "unlike", "vain", "ideas")
IDEA = "Begin at the far end of the row"

Digits = tuple[int, ...]


def text(digits: Sequence[int]) -> str:
    return f"def algorithm():\n    return {list(digits)}"


def digits_in(part: str) -> Digits:
    found = re.search(r"return \[([^]]*)\]", part)
    assert found is not None
    return tuple(map(int, found[1].split(",")))


def first_wrong(digits: Digits) -> int:
    return next((i for i, digit in enumerate(digits) if digit != HIDDEN[i]), 0)


def with_digit(digits: Digits, place: int, digit: int) -> Digits:
    return (*digits[:place], digit, *digits[place + 1 :])


def righted(digits: Digits, places: Sequence[int] = range(6)) -> Digits:
    """One more of them right, of those in these places."""
    wrong = [place for place in places if digits[place] != HIDDEN[place]]
    return with_digit(digits, wrong[0], HIDDEN[wrong[0]]) if wrong else digits


class Rows(CountedUtility):
    """Counts the digits that are right, and says which is the first that is not."""

    description = "a row of digits"

    async def query(self, program: Program) -> tuple[float, str]:
        self.asked.append(program.source)
        digits = digits_in(program.source)
        right = sum(one == other for one, other in zip(digits, HIDDEN, strict=True))
        place = first_wrong(digits)
        return float(right), f"place {place} should be {HIDDEN[place]}"


def section(prompt: str, beginning: str) -> str | None:
    """What stands below a heading, up to the end of its program."""
    _, found, rest = prompt.partition(beginning)
    return rest.partition("\n```\n")[0] + "\n```" if found else None


def heeds_what_was_said(prompt: str, seed: int) -> Digits:
    digits = digits_in(prompt)
    told = re.search(r"What the scoring said of it:\nplace (\d) should be (\d)", prompt)
    if told is None:
        return with_digit(digits, seed % 6, 9)
    return with_digit(digits, int(told[1]), int(told[2]))


def builds_on_the_best(prompt: str, seed: int) -> Digits:
    """Spoils what it is given, unless it sees what is better."""
    best = section(prompt, "The best so far")
    return with_digit(digits_in(prompt), seed % 6, 9) if best is None else righted(digits_in(best))


def puts_two_together(prompt: str, seed: int) -> Digits:
    """Of one program it can right one half alone, and spoils the other."""
    digits, unlike = digits_in(prompt), section(prompt, "One that is unlike it")
    if unlike is not None:
        other = digits_in(unlike)
        return tuple(
            one if one == right else two
            for one, two, right in zip(digits, other, HIDDEN, strict=True)
        )
    left = range(3) if seed % 2 else range(3, 6)
    spoilt = tuple(digit if place in left else 9 for place, digit in enumerate(digits))
    return righted(spoilt, left)


def avoids_what_was_in_vain(prompt: str, seed: int) -> Digits:
    """Tries one digit after the other in the first wrong place, none that it sees failed."""
    digits = digits_in(prompt)
    place = first_wrong(digits)
    _, _, failed = prompt.partition("did not help:")
    vain = [digits_in(line) for line in re.findall(r"\+ .*return .*", failed)]
    tried = (with_digit(digits, place, digit) for digit in range(4) if digit != digits[place])
    return next((one for one in tried if one not in vain), digits)


def needs_an_idea(prompt: str, seed: int) -> Digits | str:
    digits = digits_in(prompt)
    if "in words and" in prompt:
        return IDEA
    if f"An idea to try: {IDEA}" in prompt:
        return righted(digits)
    return with_digit(digits, seed % 6, 4 + seed % 97)


PROPOSERS: dict[str, Callable[[str, int], Digits | str]] = {
    "said": heeds_what_was_said,
    "best": builds_on_the_best,
    "unlike": puts_two_together,
    "vain": avoids_what_was_in_vain,
    "ideas": needs_an_idea,
}


def evolved(world: World, part: str, without: str | None = None) -> tuple[float, Rows]:
    """What the best program is worth that evolve finds with the proposer of a part."""

    def answer(prompt: Prompt) -> list[str]:
        found = [PROPOSERS[part](prompt.user, seed) for seed in prompt.seeds[: prompt.n]]
        return [one if isinstance(one, str) else f"```python\n{text(one)}\n```" for one in found]

    source = load_improver("evolve").source.replace(
        "STUCK, IDEAS_AT_ONCE = 60", "STUCK, IDEAS_AT_ONCE = 6"
    )
    if without is not None:
        source = source.replace(f'"{without}", ', "", 1).replace(f', "{without}")', ")", 1)
        assert source.count(f'"{without}"') == 1  # where it is asked for, and not among the parts
    u = Rows()
    context = make_context(world.executor, LoggedModel(answer), limits=LIMITS)
    again = SandboxedImprover(context, Program(source, IMPROVER_ENTRY), "improve")
    result, _ = world.run(again.run(u, Program(text([0] * 6))))
    assert isinstance(result, Program), result
    value, _ = world.run(u.query(result))
    return value, u


@pytest.mark.parametrize("part", PARTS)
def test_who_needs_a_part_of_the_prompt_finds_the_best_with_it_and_not_without(
    world: World, part: str
) -> None:
    assert evolved(world, part)[0] == len(HIDDEN)
    assert evolved(world, part, without=part)[0] < len(HIDDEN)


@pytest.mark.parametrize("part", PARTS)
def test_no_program_is_scored_twice(world: World, part: str) -> None:
    _, u = evolved(world, part)
    searched = u.asked[:-1]  # the last was asked for by this test
    assert len(searched) == len(set(searched)) > 4


# --- the room for a prompt ------------------------------------------------------------------------

NOTES = "".join(f"    # {place:04} of the notes on rows of digits\n" for place in range(25))
EDIT = """<<<<<<< SEARCH
    row[0] = 0
=======
    row[0] = 3
>>>>>>> REPLACE"""


def noted(digits: Sequence[int]) -> str:
    return text(digits).replace("\n", f"\n{NOTES}", 1)


def asked_within(world: World, seed: str, chars: int, told: int) -> tuple[Rows, list[int]]:
    """What evolve scored, and how long its prompts were, of a model that takes prompts of so many
    characters; it is told of so many."""

    def answer(prompt: Prompt) -> list[str]:
        if len(prompt.system) + len(prompt.user) > chars:
            raise ModelFailure("this is too long for the model's context", kind="prompt")
        if "This part of a program" in prompt.user:
            return [EDIT] * prompt.n
        return [f"```python\n{noted(righted(digits_in(prompt.user)))}\n```"] * prompt.n

    model, u = LoggedModel(answer), Rows()
    context = make_context(world.executor, model, limits=LIMITS)
    context.prompt_chars = told
    again = SandboxedImprover(context, load_improver("evolve"), "improve")
    world.run(again.run(u, Program(seed)))
    return u, [len(one.system) + len(one.user) for one in model.prompts]


def test_no_prompt_is_longer_than_the_models_have_room_for(world: World) -> None:
    u, sizes = asked_within(world, noted([0] * 6), 9_999, told=2_200)
    assert max(sizes) <= 2_200
    assert noted(HIDDEN) in u.asked


def test_a_prompt_that_is_refused_for_its_length_does_not_end_the_search(world: World) -> None:
    u, sizes = asked_within(world, noted([0] * 6), 2_200, told=4_000)
    assert max(sizes) > 2_200
    assert noted(HIDDEN) in u.asked


def test_of_a_program_that_is_too_long_a_part_is_shown_and_its_edits_are_of_the_whole(
    world: World,
) -> None:
    seed = noted([0] * 6).replace(NOTES, f"    row = [1]\n    row[0] = 0\n{5 * NOTES}")
    u, sizes = asked_within(world, seed, 9_999, told=3_000)
    assert max(sizes) <= 3_000
    assert u.asked == [seed, seed.replace("row[0] = 0", "row[0] = 3")]


def test_of_a_program_of_several_files_each_function_comes_to_be_shown(world: World) -> None:
    body = "".join(f"    x += {line} * x\n" for line in range(20))
    functions = [f"def step_{n}(x):\n{body}    return x + {n}\n\n\n" for n in range(60)]
    files = {f"part_{n}.py": "".join(functions[20 * n : 20 * n + 20]) for n in range(3)}
    seed = join_files({**files, "main.py": text([0] * 6)})
    shown: list[str] = []

    def answer(prompt: Prompt) -> list[str]:
        shown.append(prompt.user)
        return ["no program"] * prompt.n

    context = make_context(world.executor, LoggedModel(answer), limits=LIMITS)
    context.prompt_chars = 8_000
    again = SandboxedImprover(context, load_improver("evolve"), "improve")
    world.run(again.run(Rows(), Program(seed)))
    assert len(shown) == LIMITS.calls
    assert all(len(prompt) <= 8_000 for prompt in shown)
    for function in functions:
        assert any(function.rstrip() in prompt for prompt in shown)
        name = function.partition("(")[0]
        assert all(f"{name}(x):" in prompt for prompt in shown)


def test_what_fits_is_sent_as_it_is(world: World) -> None:
    """Byte for byte, whatever is made of what does not fit."""
    seed = noted([0] * 6)
    sent: list[str] = []

    def answer(prompt: Prompt) -> list[str]:
        sent.append(prompt.user)
        return [f"```python\n{noted(righted(digits_in(prompt.user)))}\n```"] * prompt.n

    context = make_context(world.executor, LoggedModel(answer), limits=LIMITS)
    world.run(
        SandboxedImprover(context, load_improver("evolve"), "improve").run(Rows(), Program(seed))
    )
    assert sent[0].startswith(f"This program scores 1:\n```python\n{seed}\n```")
    assert not any("not shown" in prompt for prompt in sent)


# --- the notes of calls ---------------------------------------------------------------------------


def notes_of(world: World, source: str) -> list[str]:
    """Of the calls of an improver, as the journal has them."""
    context = make_context(world.executor, LoggedModel(lambda prompt: ["no"] * prompt.n))
    again = SandboxedImprover(context, Program(source, IMPROVER_ENTRY), "improve")
    world.run(again.run(Rows(), Program(text([0] * 6))))
    journal = context.journal
    assert isinstance(journal, MemoryJournal)
    return [call["note"] for call in journal.of("lm_call")]


def test_each_call_of_evolve_says_what_is_asked_and_why_of_this_parent(world: World) -> None:
    notes = notes_of(world, load_improver("evolve").source)
    assert len(notes) == 4
    assert notes[0] == "program from place 1 of 1, try 1"


def test_a_note_that_is_too_long_is_refused_as_any_request_that_makes_no_sense(
    world: World,
) -> None:
    source = """
def improve_algorithm(initial_solution, utility, language_model):
    language_model.prompt("", "one", note="n" * 500)
    try:
        language_model.prompt("", "two", note="n" * 501)
    except ValueError:
        language_model.batch_prompt("", ["three", "four"], note="after the refusal")
    return initial_solution
"""
    assert notes_of(world, source) == ["n" * 500, "after the refusal", "after the refusal"]
