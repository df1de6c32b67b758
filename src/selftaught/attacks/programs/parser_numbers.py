"""Has programs scored that are long: numbers, sums, texts, and texts within texts."""
# family: parsers

from attack import attempted

TEXTS = (
    "x = 1" + "0" * 100_000,
    "x = " + "1" + " + 1" * 30_000,
    "x = '" + "a" * 2_000_000 + "'",
    "x = " + "f'{" * 300 + "1" + "}'" * 300,
)


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    for text in TEXTS:
        utility(f"{text}\n")
    return f"{TEXTS[1]}\n"
