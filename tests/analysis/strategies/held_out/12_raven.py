import json
import re

from helpers import extract_code


def get_components(solution, language_model):
    """Let the model name the parts that the solution consists of."""
    reply = language_model.prompt(
        "You are a software architect.",
        "Name the logical parts of the following program, as a JSON list of short strings, at most "
        f"six of them. Reply with JSON only.\n```python\n{solution}\n```",
        n_responses=1,
        temperature=0.7,
    )
    found = re.search(r"\[.*?\]", reply[0], re.DOTALL)
    try:
        parts = json.loads(found.group()) if found else []
    except json.JSONDecodeError:
        parts = []
    parts = [part for part in parts if isinstance(part, str)]
    return parts or ["initialisation", "main part", "post-processing"]


def improve_algorithm(initial_solution, utility, language_model):
    best_of_part = {}

    # --- Step 1: which parts are there? -----------------------------------------------------
    parts = get_components(initial_solution, language_model)
    parts = parts[: language_model.max_responses_per_call]

    # --- Step 2: improve each of them, two times --------------------------------------------
    for _attempt in range(2):
        requests = []
        for part in parts:
            requests.append(
                f"Improve the part '{part}' of this program and copy all the rest word for word.\n"
                f"```python\n{initial_solution}\n```\n"
                f"The program is scored as follows.\n```python\n{utility.str}\n```\n"
                "Respond with the program in a code block."
            )
        responses = language_model.batch_prompt("You are a software engineer.", requests)
        for part, code in zip(parts, extract_code(responses), strict=False):
            if code is None:
                continue
            score = utility(code)
            if part not in best_of_part or score > best_of_part[part][0]:
                best_of_part[part] = (score, code)

    results = [(utility(initial_solution), initial_solution), *best_of_part.values()]

    # --- Step 3: integrate the parts --------------------------------------------------------
    if len(best_of_part) >= 2:
        pieces = [
            f"Version with a new '{part}', score {score}:\n```python\n{code}\n```"
            for part, (score, code) in best_of_part.items()
        ]
        pieces.append("Integrate all these improvements into one program, in a code block.")
        responses = language_model.prompt(
            "You are a software engineer.",
            "\n\n".join(pieces),
            n_responses=language_model.max_responses_per_call,
            temperature=0.7,
        )
        results += [(utility(code), code) for code in extract_code(responses) if code is not None]

    return max(results, key=lambda r: r[0])[1]
