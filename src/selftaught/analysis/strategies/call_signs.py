"""Signs of strategies in temperatures and words of prompts, and in what became of replies."""

from __future__ import annotations

from selftaught.analysis.strategies.shown import ShownRun
from selftaught.analysis.strategies.signs import Sign


def temperature_schedule(run: ShownRun) -> Sign:
    """Prompts for programs have different temperatures."""
    asked = [
        one.prompt for shown in run.rounds for one in shown if run.asks_for_program(one.prompt)
    ]
    if len({prompt.temperature for prompt in asked}) < 2:
        return Sign()
    return Sign([prompt.key for prompt in asked], 1)


def caching(run: ShownRun) -> Sign:
    """Of equal programs in the replies one was scored: all are known, and that many uses taken."""
    candidates = [
        one
        for shown in run.rounds
        for prompt in shown
        if run.asks_for_program(prompt.prompt)
        for one in prompt.prompt.candidates
    ]
    different = {one.text.strip(): one for one in candidates}
    uses = run.run.uses
    if uses is None or len(different) == len(candidates):
        return Sign()
    # The program to begin with may have been scored, too.
    if uses > min(len(different) + 1, len(candidates) - 1):
        return Sign(is_against=uses > len(different) + 1)
    if uses < len(different) or not all(one.is_scored for one in different.values()):
        return Sign()
    seen: set[str] = set()
    calls = []
    for shown in run.rounds:
        for one in shown:
            texts = [candidate.text.strip() for candidate in one.prompt.candidates]
            if any(text in seen for text in texts) or len(set(texts)) < len(texts):
                calls.append(one.prompt.key)
            seen.update(texts)
    return Sign(calls, 1)


def decomposition(run: ShownRun) -> Sign:
    """Replies stand in scored programs as parts of them."""
    calls = [
        one.prompt.key
        for shown in run.rounds
        for one in shown
        if any(candidate.program_id in run.pieces for candidate in one.prompt.candidates)
    ]
    return Sign(calls, len(run.pieces))


def self_tests(run: ShownRun) -> Sign:
    """Programs of replies to prompts for programs were left out when others were scored."""
    calls = []
    for shown in run.rounds:
        for one in shown:
            left = [c for c in one.prompt.candidates if not c.is_scored]
            if run.asks_for_program(one.prompt) and any(
                c.program_id not in run.pieces for c in left
            ):
                calls.append(one.prompt.key)
    return Sign(calls, len(calls))


def prompt_bandit(run: ShownRun) -> Sign:
    """The words around the programs are others in other calls."""
    words: dict[str, list[str]] = {}
    for shown in run.rounds:
        for one in shown:
            if run.asks_for_program(one.prompt):
                words.setdefault(one.prompt.system, []).append(one.prompt.key)
    if len(words) < 2:
        return Sign()
    return Sign([key for keys in words.values() for key in keys], 1)
