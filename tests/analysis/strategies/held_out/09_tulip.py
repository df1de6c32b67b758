import ast
import re
import string

from helpers import extract_code

WRAPPER = string.Template("""\
import statistics

PARTS = $parts


def load(part):
    names = {"__name__": "part"}
    exec(part, names)
    return names["$entry"]


FUNCTIONS = [load(part) for part in PARTS]


def $entry(*arguments):
    answers = []
    for function in FUNCTIONS:
        try:
            answers.append(function(*arguments))
        except Exception:
            pass
    if answers and all(isinstance(answer, (int, float)) for answer in answers):
        return statistics.median(answers)
    return answers[0]
""")


def has_entry(code, entry):
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError):
        return False
    return entry in [statement.name for statement in body if hasattr(statement, "name")]


def improve_algorithm(initial_solution, utility, language_model):
    match = re.search(r"^def ((?:improve_)?algorithm)\(", initial_solution, re.MULTILINE)
    entry = match.group(1) if match else "algorithm"

    scored = {}
    for request in ("Make the program more robust.", "Make the program more effective."):
        responses = language_model.prompt(
            "You are a reliability engineer.",
            f"{request}\n```python\n{initial_solution}\n```\nContext:\n```python\n{utility.str}\n"
            "```\nPrint the resulting program in full, inside one fenced code block.",
            n_responses=language_model.max_responses_per_call,
            temperature=0.7,
        )
        for code in extract_code(responses):
            if code and has_entry(code, entry):
                scored[code] = utility(code)
    scored[initial_solution] = utility(initial_solution)

    leaders = sorted(scored, key=scored.get, reverse=True)
    joined = WRAPPER.substitute(parts=repr(leaders[:3]), entry=entry)
    return joined if utility(joined) >= scored[leaders[0]] else leaders[0]
