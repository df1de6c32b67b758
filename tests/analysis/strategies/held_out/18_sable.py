from helpers import extract_code

OPENERS = [
    "Improve the following program.",
    "The following program was written in a hurry. Write it as it should have been.",
    "Find the step of the following program that costs the most score, and redo it.",
]


def average(numbers):
    return sum(numbers) / len(numbers)


def body(opener, program, utility):
    return "\n\n".join(
        [
            opener,
            f"```python\n{program}\n```",
            "Its score is what this returns:",
            f"```python\n{utility.str}\n```",
            "Write the new program into a single code block.",
        ]
    )


def improve_algorithm(initial_solution, utility, language_model):
    best = initial_solution
    best_score = utility(best)
    scores = {opener: [] for opener in OPENERS}
    temperature = 0.7

    # The first call tries all the openers.
    openers = (OPENERS * language_model.max_responses_per_call)[
        : language_model.max_responses_per_call
    ]

    for _ in range(language_model.budget):
        replies = language_model.batch_prompt(
            "You are an experienced programmer.",
            [body(opener, best, utility) for opener in openers],
            temperature=temperature,
        )
        progress = False
        for opener, reply in zip(openers, replies, strict=False):
            program = extract_code(reply)
            if program is None:
                continue
            score = utility(program)
            scores[opener].append(score)
            if score > best_score:
                best, best_score, progress = program, score, True

        temperature = 0.5 if progress else temperature + 0.2
        known = [opener for opener in OPENERS if scores[opener]]
        if known:
            favourite = max(known, key=lambda opener: average(scores[opener]))
            openers = [favourite] * language_model.max_responses_per_call

    return best
