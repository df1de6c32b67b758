"""Plan, work through the plan item by item, and finish with a synthesis."""

import re

from helpers import extract_code

ENGINEER = "You are a software engineer who works in small, safe steps."


def show(title, code):
    return f"{title}\n```python\n{code}\n```\n"


def plan(program, utility, language_model):
    """Names of the program's components, most promising first."""
    replies = language_model.prompt(
        ENGINEER,
        show("Program:", program)
        + show("Purpose:", utility.str)
        + "Split the program into its components (for instance: preparation, main loop, choice of "
        "the next element, output). Name the two whose improvement promises most, one a line, in "
        "the form `- component: what it does`.",
        temperature=0.7,
    )
    found = re.findall(r"^\s*[-*]\s*(.+)$", replies[0] if replies else "", flags=re.MULTILINE)
    return [*found, "the main loop", "the preparation of the input"][:2]


def improve_algorithm(initial_solution, utility, language_model):
    archive = [(utility(initial_solution), initial_solution)]

    def best():
        return max(archive, key=lambda entry: entry[0])[1]

    def record(replies):
        for code in extract_code(replies):
            if code is not None:
                archive.append((utility(code), code))

    n = language_model.max_responses_per_call
    for component in plan(initial_solution, utility, language_model):
        message = (
            show("Program:", best())
            + show("Purpose:", utility.str)
            + f"Improve only this component of it: {component}\n"
            + "All other components stay as they are. Return the complete program."
        )
        record(language_model.prompt(ENGINEER, message, n_responses=n, temperature=0.7))

    finalists = sorted(archive, key=lambda entry: entry[0], reverse=True)[:3]
    message = (
        "".join(show(f"Version with score {value}:", code) for value, code in finalists)
        + show("Purpose:", utility.str)
        + "Merge these versions into a single program which unites their advantages."
    )
    record(language_model.prompt(ENGINEER, message, n_responses=n, temperature=0.7))
    return best()
