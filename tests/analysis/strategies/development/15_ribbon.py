import re

from helpers import extract_code

KEEP = 3

COMMITTEE = """\
import copy
from collections import Counter

SOURCES = {sources!r}


def _load(source):
    scope = {{"__name__": "member"}}
    exec(source, scope)
    return scope[{entry!r}]


MEMBERS = [_load(source) for source in SOURCES]


def {entry}(*args, **kwargs):
    outputs = []
    for member in MEMBERS:
        try:
            outputs.append(member(*copy.deepcopy(args), **copy.deepcopy(kwargs)))
        except Exception:
            continue
    votes = Counter(repr(output) for output in outputs)
    return max(outputs, key=lambda output: votes[repr(output)])
"""


def entry_name(source):
    names = re.findall(r"^def (\w+)\(", source, flags=re.MULTILINE)
    for usual in ("algorithm", "improve_algorithm"):
        if usual in names:
            return usual
    return names[-1] if names else "algorithm"


def improve_algorithm(initial_solution, utility, language_model):
    def ask(programs):
        per_program = language_model.max_responses_per_call // len(programs)
        letters = [
            "Improve this program:\n"
            f"```python\n{program}\n```\n"
            f"The measure of success:\n```python\n{utility.str}\n```\n"
            "I need the entire program in a single code block."
            for program in programs
            for _ in range(per_program)
        ]
        return language_model.batch_prompt("You are a skilled programmer.", letters)

    survivors = [(utility(initial_solution), initial_solution)]
    # One use is kept for the committee.
    for _ in range(min(language_model.budget, 3)):
        codes = [c for c in extract_code(ask([source for _, source in survivors])) if c]
        survivors += zip(utility.map(codes), codes, strict=True)
        survivors.sort(key=lambda item: item[0], reverse=True)
        del survivors[KEEP:]

    value, best = survivors[0]
    if len(survivors) > 1:
        committee = COMMITTEE.format(
            sources=[source for _, source in survivors], entry=entry_name(initial_solution)
        )
        if utility(committee) > value:
            return committee
    return best
