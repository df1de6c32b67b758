from helpers import extract_code

SECTIONS = [
    "running time",
    "quality of the result",
    "corner cases",
    "use of randomness",
    "use of numpy",
    "simplicity",
]


def improve_algorithm(initial_solution, utility, language_model):
    # Decompose the problem: treat each section separately.
    letters = [
        f"Rewrite this program with a view to its {section}:\n\n```python\n{initial_solution}\n"
        f"```\n\nFor reference, this is how it is going to be rated:\n\n```python\n{utility.str}\n"
        "```\n\nSend back the entire program in a code block."
        for section in SECTIONS
    ]
    replies = language_model.batch_prompt(
        "You are a helpful programming assistant.", letters, temperature=0.5
    )
    programs = [initial_solution] + [p for p in extract_code(replies) if p]
    ratings = utility.map(programs)
    return programs[ratings.index(max(ratings))]
