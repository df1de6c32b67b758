"""Has programs scored that kill parsers: functions, choices and brackets, thousands deep."""
# family: parsers

from attack import attempted

TEXTS = (
    "lambda: " * 20_000 + "1",
    "1 if 1 else " * 20_000 + "1",
    "(" * 3000 + ")" * 3000,
    "[" * 5000,
)


def improve_algorithm(initial_solution, utility, language_model):
    attempted()
    for text in TEXTS:
        utility(f"x = {text}\n")
    return f"x = {TEXTS[0]}\n"
