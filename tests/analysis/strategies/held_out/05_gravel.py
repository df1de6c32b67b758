from itertools import pairwise

from helpers import extract_code

BEGIN, END = "# >>> begin", "# <<< end"


def regions(source):
    """(first, last) line numbers of the top-level functions and classes, last one first."""
    lines = source.split("\n")
    starts = [i for i, line in enumerate(lines) if line.startswith(("def ", "class ", "@"))]
    starts = [i for i in starts if i == 0 or not lines[i - 1].startswith("@")]
    bounds = [*(starts or [0]), len(lines)]
    return list(pairwise(bounds))[::-1]


def mark(source, region):
    lines = source.split("\n")
    a, b = region
    return "\n".join([*lines[:a], BEGIN, *lines[a:b], END, *lines[b:]])


def put(source, region, text):
    lines = source.split("\n")
    a, b = region
    return "\n".join([*lines[:a], *text.strip("\n").split("\n"), "", *lines[b:]])


def clean(text):
    return "\n".join(x for x in text.split("\n") if x.strip() not in (BEGIN, END))


def improve_algorithm(initial_solution, utility, language_model):
    paid = {}

    def rate(source):
        if (known := paid.get(hash(source))) is not None:
            return known
        return paid.setdefault(hash(source), utility(source))

    champion = initial_solution
    for turn in range(language_model.budget):
        places = regions(champion)
        region = places[turn % len(places)]
        answers = language_model.prompt(
            "You are a Python programmer. You touch only what you are told to touch.",
            f"```python\n{mark(champion, region)}\n```\n\n"
            f"Replace the lines between `{BEGIN}` and `{END}` by better ones; the others must not "
            f"change. Better means a higher result of\n\n```python\n{utility.str}\n```\n\n"
            "Answer with the replacement lines alone, in a code block.",
            n_responses=language_model.max_responses_per_call,
            temperature=0.6,
        )
        variants = [put(champion, region, clean(text)) for text in extract_code(answers) if text]
        champion = max([champion, *variants], key=rate)
    return champion
