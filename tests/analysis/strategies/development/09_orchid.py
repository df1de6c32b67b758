import threading
from contextlib import suppress

from helpers import extract_code


def passes(program, checks):
    """Whether `check(namespace)` of the model's checks runs through, within two seconds."""
    passed = []

    def attempt():
        with suppress(Exception):
            namespace = {"__name__": "candidate"}
            exec(program, namespace)
            tools = {}
            exec(checks, tools)
            tools["check"](namespace)
            passed.append(True)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(timeout=2)
    return bool(passed)


def ask_for_checks(initial_solution, utility, language_model):
    replies = language_model.prompt(
        "You are a test engineer.",
        f"Programs such as this one will be scored:\n```python\n{initial_solution}\n```\n"
        f"by this:\n```python\n{utility.str}\n```\n"
        "Write a Python function check(namespace) that takes the globals of such a program as a "
        "dict, calls its entry function on two or three tiny inputs, and raises AssertionError if "
        "the output has a wrong form. It must be quick. One code block.",
        temperature=0.2,
    )
    return next((code for code in extract_code(replies) if code), None)


def shortlist(replies, checks):
    programs = [code for code in extract_code(replies) if code]
    if checks is None:
        return programs
    # Wrong checks are worse than none.
    return [code for code in programs if passes(code, checks)] or programs


def improve_algorithm(initial_solution, utility, language_model):
    checks = ask_for_checks(initial_solution, utility, language_model)
    goal = f"The score is computed by:\n```python\n{utility.str}\n```"
    n = language_model.max_responses_per_call

    replies = language_model.prompt(
        "You write excellent Python.",
        f"{goal}\nImprove this program:\n```python\n{initial_solution}\n```\nReply with the code.",
        n_responses=n,
    )
    scored = [(utility(code), code) for code in shortlist(replies, checks)]
    scored.append((utility(initial_solution), initial_solution))
    scored.sort(key=lambda pair: pair[0], reverse=True)

    exhibits = "\n\n".join(
        f"Program {letter}, score {value:.4f}:\n```python\n{code}\n```"
        for letter, (value, code) in zip("ABC", scored, strict=False)
    )
    replies = language_model.prompt(
        "You write excellent Python.",
        f"{goal}\n\n{exhibits}\n\nEach of these has strong points of its own. Bring them together "
        "in one program that is better than all of them. Reply with the code.",
        n_responses=n,
    )
    scored += [(utility(code), code) for code in shortlist(replies, checks)]
    return max(scored, key=lambda pair: pair[0])[1]
